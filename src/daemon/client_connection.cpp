#include "daemon/client_connection.h"

#include <algorithm>
#include <asio/error.hpp>
#include <asio/post.hpp>
#include <utility>

#include "base/log.h"
#include "protocol/frame.h"

namespace nsq::daemon {
namespace {

// More unwritten output than this, and no more commands are read.
constexpr std::size_t kMaxUnwritten = std::size_t{1} << 20;
// How long a client may take for its first four bytes.
constexpr Duration kMagicTime = std::chrono::seconds(60);
// How often, at most, memory not used for input is given back.
constexpr Duration kShrinkInterval = std::chrono::seconds(10);
// After an error: how long, and for how many bytes, a client may go on before it is cut off. It
// mostly is still sending, and would not see the error if it were cut off at once.
constexpr Duration kDrainTime = std::chrono::seconds(2);
constexpr std::size_t kDrainBytes = std::size_t{64} << 20;
constexpr std::size_t kDrainReadBytes = std::size_t{16} << 10;

// As clients are shown in statistics without IDENTIFY: by address, or not at all.
std::string host_text(const net::Socket& socket) {
  std::error_code error;
  const net::Endpoint remote = socket.remote_endpoint(error);
  return error || net::port_of(remote) < 0 ? std::string() : net::host_of(remote);
}

}  // namespace

std::string_view to_string(CloseReason reason) {
  switch (reason) {
    case CloseReason::ClientLeft:
      return "client left";
    case CloseReason::ProtocolError:
      return "protocol error";
    case CloseReason::BadMagic:
      return "bad protocol magic";
    case CloseReason::LineTooLong:
      return "command line too long";
    case CloseReason::ClientSilent:
      return "no answer to heartbeats";
    case CloseReason::ClientStuck:
      return "client does not read";
    case CloseReason::ConnectionLost:
      return "connection lost";
    case CloseReason::ChannelDeleted:
      return "channel deleted";
    case CloseReason::OutOfResources:
      return "out of resources";
    case CloseReason::Shutdown:
      return "shutting down";
  }
  return "";
}

ClientConnection::ClientConnection(net::Socket socket, Host& host, broker::Broker& broker,
                                   const Options& options, ClientTools& tools)
    : socket_(std::move(socket)),
      host_(host),
      tools_(tools),
      session_(*this, broker, options, tools, net::remote_text(socket_), host_text(socket_),
               Moment::now()),
      timer_(socket_.get_executor()) {}

void ClientConnection::start() {
  std::error_code ignored;  // a socket already broken shows it at the first read
  socket_.non_blocking(true, ignored);
  read_deadline_ = Instant::now() + kMagicTime;
  arm_timer();
  needed_bytes_ = protocol::kMagicV2.size();
  read_more();
}

void ClientConnection::close_soon(CloseReason reason) {
  asio::post(socket_.get_executor(), [self = shared_from_this(), reason] { self->close(reason); });
}

void ClientConnection::on_session_notices() {
  asio::post(socket_.get_executor(),
             [self = shared_from_this()] { self->guard([&] { self->on_woken(); }); });
}

std::shared_ptr<ClientSession> ClientConnection::share_session() {
  return {shared_from_this(), &session_};
}

// Memory may run out for one client's sake; the others go on.
template <typename Work>
void ClientConnection::guard(Work work) {
  try {
    work();
  } catch (const std::exception& error) {
    log::error("[{}] - {}", info().remote_address, error.what());
    tools_.clear();
    close(CloseReason::OutOfResources);
  }
}

// --- reading -----------------------------------------------------------------------------------

void ClientConnection::read_more() {
  if (reading_) return;
  reading_ = true;
  const auto room = input_.prepare(needed_bytes_);
  socket_.async_read_some(asio::buffer(room.data(), room.size()),
                          [self = shared_from_this()](std::error_code error, std::size_t count) {
                            self->guard([&] { self->on_read(error, count); });
                          });
}

void ClientConnection::on_read(std::error_code error, std::size_t count) {
  reading_ = false;
  if (phase_ == Phase::Closed) return;
  if (error == asio::error::eof) return on_end_of_stream();
  if (error) return close(CloseReason::ConnectionLost);
  if (phase_ == Phase::Draining) {
    drained_bytes_ += count;
    return drained_bytes_ > kDrainBytes ? close(reason_) : read_more();
  }
  input_.commit(count);
  if (input_.unread().size() < needed_bytes_) return read_more();
  const Moment now = Moment::now();
  if (phase_ == Phase::Magic && !accept_magic(now)) return;
  work(now);
}

bool ClientConnection::accept_magic(Moment now) {
  if (!input_.unread().starts_with(protocol::kMagicV2)) {
    output().append_error({protocol::ErrorCode::BadProtocol, ""});
    drain(CloseReason::BadMagic, now);
    return false;
  }
  input_.consume(protocol::kMagicV2.size());
  phase_ = Phase::Open;
  restart_heartbeats(now);
  return true;
}

void ClientConnection::on_end_of_stream() {
  input_ended_ = true;
  const Moment now = Moment::now();
  if (phase_ == Phase::Draining) return continue_draining();
  if (session_.is_committing()) {
    held_up_ = true;  // answers come first; the end will be read again
    return;
  }
  if (phase_ == Phase::Open && session_.on_input_end(input_.unread(), output()))
    return drain(CloseReason::ProtocolError, now);
  // A client that has closed its half may still be waiting for answers on their way.
  drain(CloseReason::ClientLeft, now);
}

// --- a wake-up ---------------------------------------------------------------------------------

// Does all that can be done now, and waits for more of what is missing.
void ClientConnection::work(Moment now) {
  using Progress = ClientSession::Progress;
  Progress progress = Progress::Open;
  // While a read is pending nothing is left that could be executed.
  if (!reading_ && output().size() <= kMaxUnwritten) {
    const Duration heartbeats = session_.settings().heartbeat_interval;
    const auto step = session_.execute(input_.unread(), now, output());
    input_.consume(step.consumed);
    needed_bytes_ = step.needed_bytes;
    progress = step.progress;
    if (session_.settings().heartbeat_interval != heartbeats) restart_heartbeats(now);
    if (step.consumed > 0) renew_read_deadline(now);
  }
  if (progress == Progress::Ended) return drain(CloseReason::ProtocolError, now);
  if (progress == Progress::EndedQuietly) return drain(CloseReason::LineTooLong, now);

  session_.deliver(now, output());
  flush(now);
  if (phase_ != Phase::Open || reading_) return;
  const bool held_up = progress == Progress::Waiting || output().size() > kMaxUnwritten;
  if (held_up_ && !held_up) renew_read_deadline(now);
  held_up_ = held_up;
  if (held_up) return;
  if (now.steady >= next_shrink_) {
    input_.shrink();
    next_shrink_ = now.steady + kShrinkInterval;
  }
  read_more();
}

void ClientConnection::on_woken() {
  if (phase_ != Phase::Open) return;
  switch (session_.on_notices(output())) {
    case ClientSession::Notice::None:
      return;
    case ClientSession::Notice::ChannelClosed:
      return close(CloseReason::ChannelDeleted);
    case ClientSession::Notice::Ended:
      return drain(CloseReason::ProtocolError, Moment::now());
    case ClientSession::Notice::GoOn:
      return work(Moment::now());
  }
}

// --- writing -----------------------------------------------------------------------------------

void ClientConnection::flush(Moment now) {
  std::array<asio::const_buffer, ClientOutput::kMaxParts> parts;
  ClientOutput& pending = output();
  while (!pending.empty() && !writing_) {
    const auto gathered = pending.gather(parts);
    std::error_code error;
    const std::size_t count = socket_.write_some(gathered, error);
    if (error && error != asio::error::would_block) return close(CloseReason::ConnectionLost);
    if (count > 0) write_deadline_ = Instant::never();
    const bool full = count < asio::buffer_size(gathered);
    pending.consume(count);
    if (full) break;
  }
  if (!pending.empty()) return keep_unwritten(now);
  unwritten_.reset();
  if (session_.on_output_written()) on_session_notices();  // other connections first
}

// The socket takes no more: what is left leaves the loop's tools to the next connection.
void ClientConnection::keep_unwritten(Moment now) {
  if (!unwritten_) {
    unwritten_ = std::make_unique<ClientOutput>(std::move(tools_.output));
    tools_.output = ClientOutput();
  }
  if (write_deadline_ == Instant::never() && heartbeat_interval_ > Duration::zero())
    write_deadline_ = now.steady + heartbeat_interval_;
  if (writing_) return;
  writing_ = true;
  socket_.async_wait(net::Socket::wait_write, [self = shared_from_this()](std::error_code error) {
    self->guard([&] { self->on_writable(error); });
  });
}

void ClientConnection::on_writable(std::error_code error) {
  writing_ = false;
  if (phase_ == Phase::Closed) return;
  if (error) return close(CloseReason::ConnectionLost);
  const Moment now = Moment::now();
  flush(now);
  if (phase_ == Phase::Draining) return continue_draining();
  if (phase_ == Phase::Open) work(now);
}

// --- ending ------------------------------------------------------------------------------------

// Sends what there is to send, tells the client that this was the last, and reads on for a while
// without looking: a socket closed with unread input would take the last frames back.
void ClientConnection::drain(CloseReason reason, Moment now) {
  phase_ = Phase::Draining;
  reason_ = reason;
  session_.leave(now);
  input_.consume(input_.unread().size());
  needed_bytes_ = kDrainReadBytes;
  heartbeat_interval_ = Duration::zero();
  next_heartbeat_ = write_deadline_ = Instant::never();
  read_deadline_ = now.steady + kDrainTime;
  arm_timer();
  flush(now);
  continue_draining();
}

void ClientConnection::continue_draining() {
  if (phase_ != Phase::Draining) return;
  if (output().empty() && !sent_last_) {
    std::error_code ignored;  // the client may be gone already
    socket_.shutdown(net::Socket::shutdown_send, ignored);
    sent_last_ = true;
  }
  if (!input_ended_) return read_more();
  if (sent_last_) close(reason_);
}

void ClientConnection::close(CloseReason reason) {
  if (phase_ == Phase::Closed) return;
  phase_ = Phase::Closed;
  std::error_code ignored;  // there is nothing to be done about a failing close
  socket_.close(ignored);
  timer_.cancel();
  if (!unwritten_) tools_.output.clear();
  unwritten_.reset();
  session_.leave(Moment::now());
  host_.on_closed(*this, reason);
}

// --- time --------------------------------------------------------------------------------------

void ClientConnection::restart_heartbeats(Moment now) {
  heartbeat_interval_ = session_.settings().heartbeat_interval;
  const bool none = heartbeat_interval_ == Duration::zero();
  next_heartbeat_ = none ? Instant::never() : now.steady + heartbeat_interval_;
  write_deadline_ = Instant::never();
  renew_read_deadline(now);
  arm_timer();
}

void ClientConnection::renew_read_deadline(Moment now) {
  const bool none = heartbeat_interval_ == Duration::zero();
  read_deadline_ = none ? Instant::never() : now.steady + 2 * heartbeat_interval_;
}

// Deadlines only ever move on, except through the two functions that call this one, so that one
// timer which looks again when it fires serves them all, and moving a deadline is a store.
void ClientConnection::arm_timer() {
  const Instant next = std::min({next_heartbeat_, read_deadline_, write_deadline_});
  if (next == Instant::never()) {
    timer_.cancel();
    return;
  }
  timer_.expires_at(next.to_steady());
  timer_.async_wait([self = shared_from_this()](std::error_code error) {
    if (!error) self->guard([&] { self->on_timer(); });
  });
}

void ClientConnection::on_timer() {
  if (phase_ == Phase::Closed) return;
  const Moment now = Moment::now();
  if (phase_ == Phase::Draining) {
    if (now.steady >= read_deadline_) return close(reason_);
  } else {
    if (now.steady >= write_deadline_) return close(CloseReason::ClientStuck);
    // While input is held up, it is not the client who is late.
    if (held_up_) renew_read_deadline(now);
    if (now.steady >= read_deadline_) return on_silence(now);
    if (now.steady >= next_heartbeat_) {
      next_heartbeat_ = now.steady + heartbeat_interval_;
      output().append(protocol::kHeartbeatFrame);
      flush(now);
    }
  }
  if (phase_ != Phase::Closed) arm_timer();
}

void ClientConnection::on_silence(Moment now) {
  if (phase_ == Phase::Open && session_.on_input_end(input_.unread(), output()))
    return drain(CloseReason::ClientSilent, now);
  close(CloseReason::ClientSilent);
}

}  // namespace nsq::daemon
