#include "net/address.h"

#include <netdb.h>
#include <sys/un.h>

#include <algorithm>
#include <asio/ip/tcp.hpp>
#include <asio/local/stream_protocol.hpp>
#include <charconv>
#include <memory>
#include <optional>
#include <utility>

#include "net/net_error.h"

namespace nsq::net {
namespace {

struct HostPort {
  std::string_view host, port;
};

std::optional<HostPort> split(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view port = text.substr(colon + 1);
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[')) {
    if (host.find(']') != host.size() - 1) return std::nullopt;
    host = host.substr(1, host.size() - 2);
    if (host.find('[') != std::string_view::npos) return std::nullopt;
  } else if (host.find(':') != std::string_view::npos) {
    return std::nullopt;
  } else if (host.find_first_of("[]") != std::string_view::npos) {
    return std::nullopt;
  }
  if (port.find_first_of("[]") != std::string_view::npos) return std::nullopt;
  return HostPort{host, port};
}

std::vector<Endpoint> wildcards(std::uint16_t port) {
  return {asio::ip::tcp::endpoint(asio::ip::tcp::v6(), port),
          asio::ip::tcp::endpoint(asio::ip::tcp::v4(), port)};
}

}  // namespace

Address Address::parse(std::string_view text) {
  Address address;
  address.text_ = text;
  if (const auto parts = split(text)) {
    address.is_tcp_ = true;
    address.host_ = parts->host;
    address.port_ = parts->port;
  }
  return address;
}

bool Address::is_wildcard() const {
  return is_tcp_ && (host_.empty() || host_ == "0.0.0.0" || host_ == "::");
}

Result<std::uint16_t> resolve_port(const Address& address) {
  const std::string& text = address.port();
  if (text.empty()) return std::uint16_t{0};
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size() && number <= 65535) {
    return static_cast<std::uint16_t>(number);
  }
  servent entry{};
  servent* found = nullptr;
  char buffer[1024];
  if (getservbyname_r(text.c_str(), "tcp", &entry, buffer, sizeof buffer, &found) == 0 && found) {
    return ntohs(static_cast<std::uint16_t>(found->s_port));
  }
  return Error(NetErrc::UnknownPort, "address " + text);
}

Result<Endpoint> unix_endpoint(const std::string& path) {
  if (path.size() >= sizeof(sockaddr_un::sun_path)) return Error(NetErrc::PathTooLong, path);
  return Endpoint(asio::local::stream_protocol::endpoint(path));
}

Result<std::vector<Endpoint>> resolve(const Address& address) {
  if (!address.is_tcp()) {
    auto endpoint = unix_endpoint(address.path());
    if (!endpoint) return endpoint.error();
    return std::vector<Endpoint>{*endpoint};
  }
  const auto port = resolve_port(address);
  if (!port) return port.error();
  if (address.is_wildcard()) return wildcards(*port);

  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(address.host().c_str(), nullptr, &hints, &found) != 0) {
    return Error(NetErrc::NoSuchHost, "lookup " + address.host());
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> guard(found, freeaddrinfo);
  std::vector<Endpoint> endpoints;
  for (const addrinfo* entry = found; entry; entry = entry->ai_next) {
    if (entry->ai_family != AF_INET && entry->ai_family != AF_INET6) continue;
    asio::ip::tcp::endpoint endpoint;
    endpoint.resize(entry->ai_addrlen);
    std::copy_n(reinterpret_cast<const char*>(entry->ai_addr), entry->ai_addrlen,
                reinterpret_cast<char*>(endpoint.data()));
    endpoint.port(*port);
    endpoints.emplace_back(endpoint);
  }
  std::stable_partition(endpoints.begin(), endpoints.end(), [](const Endpoint& endpoint) {
    return endpoint.protocol().family() == AF_INET;
  });
  if (endpoints.empty()) return Error(NetErrc::NoSuchHost, "lookup " + address.host());
  return endpoints;
}

}  // namespace nsq::net
