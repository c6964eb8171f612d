#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace nsq::http {

// An address as in "http://host:4151/stats?format=json".
struct Url {
  std::string scheme;     // "http" or "https"
  std::string authority;  // "host:4151", as it stands in the Host header
  std::string target;     // "/stats?format=json", at least "/"

  // Host and port to connect to; the scheme's port where none is given.
  std::string address() const;
  // ":4151", or nothing where no port is given.
  std::string_view port_suffix() const;
  std::string text() const { return scheme + "://" + authority + target; }
};

// Nothing if it is no http or https URL, or one with a user's name.
std::optional<Url> parse_url(std::string_view text);

// Where a redirect leads: another URL, or a path at the same server.
std::optional<Url> resolve_location(const Url& base, std::string_view location);

}  // namespace nsq::http
