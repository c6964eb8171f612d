#include "standalone/addresses.h"

#include <fmt/format.h>
#include <unistd.h>

#include "base/log.h"
#include "net/address.h"

namespace nsq::standalone {
namespace {

constexpr const char* kLoopback = "127.0.0.1";

// The one host that an address is about; empty if it is all interfaces, or no TCP address.
std::string single_host(std::string_view listen_address) {
  const auto address = net::Address::parse(listen_address);
  return address.is_tcp() && !address.is_wildcard() ? address.host() : "";
}

std::string host_name() {
  char name[256] = "";
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "";
}

}  // namespace

std::string local_address(std::string_view listen_address, int port) {
  const std::string host = single_host(listen_address);
  if (host.empty()) return fmt::format("{}:{}", kLoopback, port);
  if (host.find(':') != std::string::npos) return fmt::format("[{}]:{}", host, port);
  return fmt::format("{}:{}", host, port);
}

std::string broadcast_host(std::string_view listen_address) {
  if (std::string host = single_host(listen_address); !host.empty()) return host;
  std::string name = host_name();
  if (!name.empty() && net::resolve(net::Address::parse(name + ":0"))) return name;
  log::warning(
      "this host's name, {:?}, cannot be resolved; other machines are told {} until "
      "--daemon-broadcast-address says better",
      name, kLoopback);
  return kLoopback;
}

}  // namespace nsq::standalone
