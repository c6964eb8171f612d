#include "support/cutting_proxy.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

#include "support/tcp.h"

namespace nsq::test {
namespace {

constexpr int kLookMs = 5;

// Closes with a reset, as a cut connection looks like.
void reset(int socket) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(socket);
}

bool is_readable(int socket) {
  pollfd look{.fd = socket, .events = POLLIN, .revents = 0};
  return ::poll(&look, 1, 0) > 0;
}

}  // namespace

CuttingProxy::CuttingProxy(std::uint16_t server_port) : server_port_(server_port) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(listener_, 64) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("the proxy cannot listen");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

CuttingProxy::~CuttingProxy() {
  is_ending_ = true;
  acceptor_.join();
  ::close(listener_);
  for (Connection& connection : connections_) connection.thread.join();
}

void CuttingProxy::set(State state) {
  state_ = state;
}

void CuttingProxy::accept_all() {
  while (!is_ending_) {
    pollfd look{.fd = listener_, .events = POLLIN, .revents = 0};
    if (::poll(&look, 1, kLookMs) <= 0) continue;
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    ++connection_count_;
    const std::scoped_lock lock(mutex_);
    Connection& connection = connections_.emplace_back();
    connection.client = client;
    connection.thread = std::thread([this, &connection] { serve(connection); });
  }
}

void CuttingProxy::serve(Connection& connection) {
  try {
    if (state_ != State::Cut) connection.server = connect_tcp("127.0.0.1", server_port_);
    while (!is_ending_ && state_ != State::Cut) {
      pollfd look[2] = {{.fd = connection.client, .events = POLLIN, .revents = 0},
                        {.fd = connection.server, .events = POLLIN, .revents = 0}};
      const State before = state_;
      ::poll(look, before == State::Stalled ? 0 : 2, kLookMs);
      // What was sent after a change must not pass as if it had been before.
      if (state_ != before) continue;
      if (before == State::Stalled) continue;
      if (!pass_on(connection.client, connection.server, false)) break;
      if (!pass_on(connection.server, connection.client, true)) break;
    }
  } catch (const ConnectionLost&) {
    // The server is not there, or one of the ends has gone: so is the connection.
  }
  if (connection.server >= 0) reset(connection.server);
  reset(connection.client);
}

// False once the sending end is gone.
bool CuttingProxy::pass_on(int from, int to, bool is_back) {
  if (!is_readable(from)) return true;
  char bytes[65536];
  const ssize_t size = ::recv(from, bytes, sizeof bytes, 0);
  if (size <= 0) return false;
  if (is_back && state_ == State::SwallowsBack) return true;
  send_all(to, {bytes, static_cast<std::size_t>(size)});
  return true;
}

}  // namespace nsq::test
