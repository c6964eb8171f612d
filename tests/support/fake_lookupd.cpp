#include "support/fake_lookupd.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

#include "support/tcp.h"

namespace nsq::test {
namespace {

constexpr int kLookMs = 2;

int listen_anywhere(std::uint16_t& port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(listener, 64) != 0 ||
      ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("the fake lookupd cannot listen");
  }
  port = ntohs(address.sin_port);
  return listener;
}

bool is_readable(int socket) {
  pollfd look{.fd = socket, .events = POLLIN, .revents = 0};
  return ::poll(&look, 1, 0) > 0;
}

std::string sized(std::string_view data) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(data.size() >> shift);
  return bytes.append(data);
}

}  // namespace

FakeLookupd::FakeLookupd(std::string channels_body) : channels_body_(std::move(channels_body)) {
  tcp_listener_ = listen_anywhere(tcp_port_);
  http_listener_ = listen_anywhere(http_port_);
  thread_ = std::thread([this] { run(); });
}

FakeLookupd::~FakeLookupd() {
  is_ending_ = true;
  thread_.join();
  for (const Connection& connection : connections_) ::close(connection.socket);
  ::close(tcp_listener_);
  ::close(http_listener_);
}

std::vector<std::string> FakeLookupd::said() const {
  const std::scoped_lock lock(mutex_);
  return said_;
}

bool FakeLookupd::heard(std::string_view line) const {
  const std::scoped_lock lock(mutex_);
  return std::find(said_.begin(), said_.end(), line) != said_.end();
}

void FakeLookupd::answer_with(std::string bytes) {
  const std::scoped_lock lock(mutex_);
  fixed_answer_ = std::move(bytes);
}

void FakeLookupd::call_itself(std::string hostname) {
  const std::scoped_lock lock(mutex_);
  hostname_ = std::move(hostname);
}

void FakeLookupd::drop() {
  drops_ = true;
}

void FakeLookupd::run() {
  while (!is_ending_) {
    std::vector<pollfd> look{{.fd = tcp_listener_, .events = POLLIN, .revents = 0},
                             {.fd = http_listener_, .events = POLLIN, .revents = 0}};
    for (const auto& each : connections_) {
      look.push_back({.fd = each.socket, .events = POLLIN, .revents = 0});
    }
    ::poll(look.data(), look.size(), kLookMs);
    accept_from(tcp_listener_, false);
    accept_from(http_listener_, true);
    const bool drops = drops_.exchange(false);
    for (auto next = connections_.begin(); next != connections_.end();) {
      bool keep = !drops;
      try {
        keep = keep && serve(*next);
      } catch (const ConnectionLost&) {
        keep = false;
      }
      if (!keep) ::close(next->socket);
      next = keep ? std::next(next) : connections_.erase(next);
    }
  }
}

void FakeLookupd::accept_from(int listener, bool is_http) {
  if (!is_readable(listener)) return;
  const int socket = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  if (socket < 0) return;
  if (!is_http) ++connection_count_;
  connections_.push_back({.socket = socket, .is_http = is_http});
}

// False once the connection is to be closed.
bool FakeLookupd::serve(Connection& connection) {
  if (is_readable(connection.socket)) {
    char bytes[65536];
    const ssize_t size = ::recv(connection.socket, bytes, sizeof bytes, 0);
    if (size <= 0) return false;
    connection.input.append(bytes, static_cast<std::size_t>(size));
  }
  if (connection.is_http) {
    if (http_hangs_ || connection.input.find("\r\n\r\n") == std::string::npos) return true;
    send_all(connection.socket, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " +
                                    std::to_string(channels_body_.size()) + "\r\n\r\n" +
                                    channels_body_);
    return false;
  }
  if (!connection.greeted && connection.input.size() >= 4) {
    connection.input.erase(0, 4);
    connection.greeted = true;
  }
  while (connection.greeted && serve_line(connection)) {
  }
  return true;
}

// False if there is no whole command.
bool FakeLookupd::serve_line(Connection& connection) {
  const std::size_t newline = connection.input.find('\n');
  if (newline == std::string::npos) return false;
  std::string line = connection.input.substr(0, newline);
  std::size_t bytes = newline + 1;
  if (line == "IDENTIFY") {
    if (connection.input.size() < bytes + 4) return false;
    std::size_t body_bytes = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      body_bytes = body_bytes << 8 | static_cast<unsigned char>(connection.input[bytes + i]);
    }
    if (connection.input.size() < bytes + 4 + body_bytes) return false;
    line += " " + connection.input.substr(bytes + 4, body_bytes);
    bytes += 4 + body_bytes;
  }
  connection.input.erase(0, bytes);
  const std::string answer = answer_to(line);
  if (!hangs_) send_all(connection.socket, answer);
  return true;
}

std::string FakeLookupd::answer_to(std::string_view line) {
  const std::scoped_lock lock(mutex_);
  said_.emplace_back(line);
  if (!fixed_answer_.empty()) return fixed_answer_;
  if (!line.starts_with("IDENTIFY")) return sized("OK");
  return sized(R"({"broadcast_address":"127.0.0.1","hostname":")" + hostname_ +
               R"(","http_port":)" + std::to_string(http_port_) + R"(,"tcp_port":)" +
               std::to_string(tcp_port_) + R"(,"version":"1.3.0"})");
}

}  // namespace nsq::test
