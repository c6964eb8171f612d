#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/socket.h"
#include "nsq/result.h"

namespace nsq::net {

// Where to listen or connect, as it is written in a flag: "host:port" with IPv6 in brackets is TCP,
// anything else is the path of a Unix socket.
//
// Immutable.
class Address {
 public:
  // Never fails: what is not host and port is a path, however strange.
  static Address parse(std::string_view text);

  bool is_tcp() const { return is_tcp_; }
  const std::string& text() const { return text_; }  // as it was written

  // TCP only. The host is without brackets. The port is a number or a service's name, unchecked.
  const std::string& host() const { return host_; }
  const std::string& port() const { return port_; }
  // All interfaces, IPv4 and IPv6: no host, 0.0.0.0 or ::, which the original treats alike.
  bool is_wildcard() const;
  // Unix only. Empty for a socket without a name, which the kernel chooses.
  const std::string& path() const { return text_; }

 private:
  Address() = default;

  std::string text_;
  std::string host_;
  std::string port_;
  bool is_tcp_ = false;
};

// The endpoints an address stands for, best first: IPv4 before IPv6. A wildcard gives that
// of IPv6 (which takes IPv4 too), then that of IPv4. Asks the resolver, so it may block:
// for start-up and command line tools.
// Errors: NetErrc::UnknownPort, NoSuchHost, PathTooLong.
Result<std::vector<Endpoint>> resolve(const Address& address);

// The port as a number.
// Errors: NetErrc::UnknownPort.
Result<std::uint16_t> resolve_port(const Address& address);

Result<Endpoint> unix_endpoint(const std::string& path);

}  // namespace nsq::net
