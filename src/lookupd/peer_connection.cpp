#include "lookupd/peer_connection.h"

#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/use_awaitable.hpp>
#include <utility>

#include "base/log.h"

namespace nsq::lookupd {
namespace {

constexpr auto kUseTuple = asio::experimental::as_tuple(asio::use_awaitable);

// Also the most that is executed before the loop does something else.
constexpr std::size_t kReadBytes = 16'384;
// For a daemon to read the error that ends its connection.
constexpr Duration kLinger = std::chrono::seconds(2);

}  // namespace

PeerConnection::PeerConnection(net::Socket socket, const Home& home,
                               std::function<void(PeerConnection&)> on_gone)
    : socket_(std::move(socket)),
      home_(home),
      on_gone_(std::move(on_gone)),
      remote_(net::remote_text(socket_)),
      greeting_deadline_(Instant::now() + home.limits.greeting_timeout),
      watchdog_(socket_.get_executor(), [this] { close(); }) {
  session_.emplace(home_.registry, home_.limits, home_.own_identity, remote_);
}

PeerConnection::~PeerConnection() {
  on_gone_(*this);
}

void PeerConnection::start() {
  log::info("TCP: new client({})", remote_);
  asio::co_spawn(socket_.get_executor(), run(shared_from_this()), asio::detached);
}

void PeerConnection::close() {
  if (session_) log::info("PROTOCOL(V1): [{}] exiting ioloop", remote_);
  session_.reset();
  watchdog_.rest();
  std::error_code ignored;  // there is nothing to be done about a failing close
  socket_.close(ignored);
}

asio::awaitable<void> PeerConnection::run(std::shared_ptr<PeerConnection> self) {
  while (self->session_ && !self->is_at_end_ && !self->session_->is_over()) {
    if (!co_await self->read()) break;
    const std::size_t used = self->session_->on_input(self->input_, Moment::now(), self->output_);
    self->input_.erase(0, used);
    if (self->is_at_end_) self->session_->on_end(self->input_, self->output_);
    if (!co_await self->write()) break;
  }
  if (self->session_ && self->session_->is_over()) co_await self->linger();
  self->close();
}

// Reads what there is. False if the connection is gone.
asio::awaitable<bool> PeerConnection::read() {
  watchdog_.expect_by(session_->is_introduced() ? Instant::now() + home_.silence_timeout
                                                : greeting_deadline_);
  const std::size_t kept = input_.size();
  input_.resize(kept + kReadBytes);
  const auto [error, size] =
      co_await socket_.async_read_some(asio::buffer(input_.data() + kept, kReadBytes), kUseTuple);
  input_.resize(kept + size);
  is_at_end_ = error == asio::error::eof;
  co_return session_.has_value() && (!error || is_at_end_);
}

// Sends the answers. False if the connection is gone.
asio::awaitable<bool> PeerConnection::write() {
  std::size_t sent = 0;
  while (session_ && sent < output_.size()) {
    watchdog_.expect_by(Instant::now() + home_.limits.write_timeout);
    const auto [error, size] =
        co_await socket_.async_write_some(asio::buffer(output_) + sent, kUseTuple);
    if (error) co_return false;
    sent += size;
  }
  output_.clear();
  co_return session_.has_value();
}

// Closing while bytes of the daemon are unread would make the kernel take the error back, so those
// are read away for a while. The daemon is no producer any more.
asio::awaitable<void> PeerConnection::linger() {
  log::info("PROTOCOL(V1): [{}] exiting ioloop", remote_);
  session_.reset();
  std::error_code failed;
  socket_.shutdown(net::Socket::shutdown_send, failed);
  watchdog_.expect_by(Instant::now() + kLinger);
  input_.resize(kReadBytes);
  while (!failed) {
    const auto [error, size] = co_await socket_.async_read_some(asio::buffer(input_), kUseTuple);
    failed = error;
  }
}

}  // namespace nsq::lookupd
