#include "net/socket.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <asio/ip/tcp.hpp>
#include <asio/socket_base.hpp>
#include <cstddef>
#include <cstring>

namespace nsq::net {
namespace {

std::string unix_path(const Endpoint& endpoint) {
  sockaddr_un address{};
  std::memcpy(&address, endpoint.data(), std::min(endpoint.size(), sizeof address));
  const std::size_t header = offsetof(sockaddr_un, sun_path);
  if (endpoint.size() <= header || address.sun_path[0] == '\0') return "@";
  return std::string(address.sun_path, strnlen(address.sun_path, endpoint.size() - header));
}

}  // namespace

std::string host_of(const Endpoint& endpoint) {
  char text[INET6_ADDRSTRLEN] = "";
  const int family = endpoint.protocol().family();
  if (family == AF_INET) {
    sockaddr_in address{};
    std::memcpy(&address, endpoint.data(), std::min(endpoint.size(), sizeof address));
    inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
    return text;
  }
  if (family == AF_INET6) {
    sockaddr_in6 address{};
    std::memcpy(&address, endpoint.data(), std::min(endpoint.size(), sizeof address));
    // A dual-stack listener reports IPv4 peers in mapped form; people know them by their own.
    if (IN6_IS_ADDR_V4MAPPED(&address.sin6_addr)) {
      inet_ntop(AF_INET, address.sin6_addr.s6_addr + 12, text, sizeof text);
    } else {
      inet_ntop(AF_INET6, &address.sin6_addr, text, sizeof text);
    }
    return text;
  }
  return unix_path(endpoint);
}

int port_of(const Endpoint& endpoint) {
  // The port lies at the same place in both families' addresses.
  static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
  const int family = endpoint.protocol().family();
  if (family != AF_INET && family != AF_INET6) return -1;
  sockaddr_in address{};
  std::memcpy(&address, endpoint.data(), std::min(endpoint.size(), sizeof address));
  return ntohs(address.sin_port);
}

std::string to_text(const Endpoint& endpoint) {
  const int port = port_of(endpoint);
  const std::string host = host_of(endpoint);
  if (port < 0) return host;
  if (host.find(':') != std::string::npos) return fmt::format("[{}]:{}", host, port);
  return fmt::format("{}:{}", host, port);
}

std::string remote_text(const Socket& socket) {
  std::error_code error;
  const Endpoint endpoint = socket.remote_endpoint(error);
  return error ? "?" : to_text(endpoint);
}

void tune(Socket& socket) {
  std::error_code ignored;  // a Unix socket knows neither option, and a dead one fails when used
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
}

}  // namespace nsq::net
