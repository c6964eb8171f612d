#include "http/url.h"

#include <algorithm>

#include "http/request.h"

namespace nsq::http {
namespace {

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) > ' ' && c != 0x7f; });
}

}  // namespace

std::string_view Url::port_suffix() const {
  const std::size_t colon = authority.rfind(':');
  const std::size_t bracket = authority.rfind(']');
  const bool has_port =
      colon != std::string::npos && (bracket == std::string::npos || colon > bracket);
  return has_port ? std::string_view(authority).substr(colon) : std::string_view();
}

std::string Url::address() const {
  if (!port_suffix().empty()) return authority;
  return authority + (scheme == "https" ? ":443" : ":80");
}

std::optional<Url> parse_url(std::string_view text) {
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos || !is_printable(text)) return std::nullopt;
  Url url;
  if (same_token(text.substr(0, colon), "http")) {
    url.scheme = "http";
  } else if (same_token(text.substr(0, colon), "https")) {
    url.scheme = "https";
  } else {
    return std::nullopt;
  }
  text.remove_prefix(colon + 3);
  text = text.substr(0, text.find('#'));
  const std::size_t end = std::min(text.find_first_of("/?"), text.size());
  url.authority = text.substr(0, end);
  if (url.authority.empty() || url.authority.find('@') != std::string::npos) return std::nullopt;
  url.target = text.substr(end);
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  return url;
}

std::optional<Url> resolve_location(const Url& base, std::string_view location) {
  if (!location.starts_with('/') || location.starts_with("//")) return parse_url(location);
  if (!is_printable(location)) return std::nullopt;
  return Url{base.scheme, base.authority, std::string(location.substr(0, location.find('#')))};
}

}  // namespace nsq::http
