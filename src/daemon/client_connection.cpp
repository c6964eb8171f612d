#include "daemon/client_connection.h"

#include <algorithm>
#include <asio/error.hpp>
#include <asio/post.hpp>
#include <span>
#include <utility>

#include "base/log.h"
#include "protocol/error_code.h"
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
// How long a client may take over a TLS handshake, and over reading what comes before it.
constexpr Duration kHandshakeTime = std::chrono::seconds(5);
// What one wake-up decodes, however few bytes stand for it, before other connections get theirs.
constexpr std::size_t kDecodedBytes = std::size_t{256} << 10;

// As clients are shown in statistics without IDENTIFY: by address, or not at all.
std::string host_text(const net::Socket& socket) {
  std::error_code error;
  const net::Endpoint remote = socket.remote_endpoint(error);
  return error || net::port_of(remote) < 0 ? std::string() : net::host_of(remote);
}

// Most output is one part, for which there is a cheaper call.
std::size_t write_some(net::Socket& socket, std::span<const asio::const_buffer> parts,
                       std::error_code& error) {
  return parts.size() == 1 ? socket.write_some(parts.front(), error)
                           : socket.write_some(parts, error);
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
    case CloseReason::UpgradeFailed:
      return "TLS handshake failed";
    case CloseReason::BadEncoding:
      return "bad TLS or compression";
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
  asio::post(socket_.get_executor(), [self = shared_from_this(), reason] {
    const Lock lock(self->mutex_);
    self->close(reason);
  });
}

void ClientConnection::on_session_notices() {
  DirectDelivery* const direct = DirectDelivery::here(session_);
  if (direct != nullptr && deliver_directly(*direct)) return;
  asio::post(socket_.get_executor(),
             [self = shared_from_this()] { self->guard([&] { self->on_woken(); }); });
}

std::shared_ptr<ClientSession> ClientConnection::share_session() {
  return {shared_from_this(), &session_};
}

// Memory may run out for one client's sake; the others go on.
template <typename Work>
void ClientConnection::guard(Work work) {
  const Lock lock(mutex_);
  try {
    work();
  } catch (const std::exception& error) {
    log::error("[{}] - {}", info().remote_address, error.what());
    tools_.clear();
    close(CloseReason::OutOfResources);
  }
}

// --- on a publisher's loop ---------------------------------------------------------------------

// False if it is left to this connection's loop.
bool ClientConnection::deliver_directly(DirectDelivery& direct) noexcept {
  if (!mutex_.try_lock()) return false;
  bool delivered = true;
  try {
    delivered = send_directly(direct);
  } catch (const std::exception& error) {
    log::error("[{}] - {}", info().remote_address, error.what());
    close_soon(CloseReason::OutOfResources);
  }
  mutex_.unlock();
  return delivered;
}

// Only while all that is awaited is more input: there is nothing to execute then, and nothing that
// would have to go first.
bool ClientConnection::send_directly(DirectDelivery& direct) {
  if (phase_ != Phase::Open || !reading_ || unwritten_ || layers_) return false;
  const Moment now = Moment::now();
  if (now.steady >= read_deadline_) return false;
  const DirectDelivery::Turn turn(direct);
  if (!session_.deliver_directly(now, direct)) return false;
  ClientOutput& frames = direct.output;
  if (frames.empty()) return true;
  std::array<asio::const_buffer, ClientOutput::kMaxParts> parts;
  std::error_code error;
  const std::size_t count = write_some(socket_, frames.gather(parts), error);
  if (error && error != asio::error::would_block) {
    close_soon(CloseReason::ConnectionLost);
    return true;
  }
  frames.consume(count);
  if (frames.empty()) return true;
  unwritten_ = std::make_unique<ClientOutput>(std::move(frames));
  frames = ClientOutput();
  flush_soon();
  return true;
}

void ClientConnection::flush_soon() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    self->guard([&] {
      if (self->phase_ == Phase::Open) self->flush(Moment::now());
    });
  });
}

// --- reading -----------------------------------------------------------------------------------

void ClientConnection::read_more() {
  if (reading_) return;
  reading_ = true;
  if (layers_) {
    // Where the bytes go is the loop's, so there is nowhere yet for them to be read to.
    return socket_.async_wait(net::Socket::wait_read,
                              [self = shared_from_this()](std::error_code error) {
                                self->guard([&] { self->on_readable(error); });
                              });
  }
  const auto room = input_.prepare(needed_bytes_);
  socket_.async_read_some(asio::buffer(room.data(), room.size()),
                          [self = shared_from_this()](std::error_code error, std::size_t count) {
                            self->guard([&] { self->on_read(error, count); });
                          });
}

void ClientConnection::on_read(std::error_code error, std::size_t count) {
  reading_ = false;
  if (has_end(error)) return;
  if (phase_ == Phase::Draining) return drop_input(count);
  input_.commit(count);
  if (input_.unread().size() < needed_bytes_) return read_more();
  const Moment now = Moment::now();
  if (phase_ == Phase::Magic && !accept_magic(now)) return;
  work(now);
}

// What is read is still to be decoded.
void ClientConnection::on_readable(std::error_code error) {
  reading_ = false;
  if (has_end(error)) return;
  const std::span<char> room = tools_.received_room();
  const std::size_t count = socket_.read_some(asio::buffer(room.data(), room.size()), error);
  if (error == asio::error::would_block) return read_more();
  if (has_end(error)) return;
  if (phase_ == Phase::Draining) return drop_input(count);
  layers_->receive({room.data(), count});
  work(Moment::now());
}

// Whether reading came to an end, which is then dealt with.
bool ClientConnection::has_end(std::error_code error) {
  if (phase_ == Phase::Closed) return true;
  if (!error) return false;
  if (error == asio::error::eof) {
    on_end_of_stream();
  } else {
    close(CloseReason::ConnectionLost);
  }
  return true;
}

void ClientConnection::drop_input(std::size_t count) {
  drained_bytes_ += count;
  if (drained_bytes_ > kDrainBytes) return close(reason_);
  read_more();
}

bool ClientConnection::accept_magic(Moment now) {
  if (!input_.unread().starts_with(protocol::kMagicV2)) {
    output().append_error({protocol::ErrorCode::BadProtocol, ""});
    drain(CloseReason::BadMagic, now);
    return false;
  }
  input_.consume(protocol::kMagicV2.size());
  needed_bytes_ = 0;
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
  // While a read is pending nothing is left that could be executed.
  const bool can_execute = !reading_ && output().size() <= kMaxUnwritten;
  const Progress progress = can_execute ? execute(now) : Progress::Open;
  if (phase_ != Phase::Open) return;
  if (progress == Progress::Ended) return drain(CloseReason::ProtocolError, now);
  if (progress == Progress::EndedQuietly) return drain(CloseReason::LineTooLong, now);
  if (progress == Progress::Upgrading) return upgrade(now);

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
  if (!layers_ || !layers_->may_decode_more()) return read_more();
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    self->guard([&] {
      if (self->phase_ == Phase::Open) self->work(Moment::now());
    });
  });
}

// Executes what has come, and decodes more of it, until something is missing or it is enough for
// one wake-up.
ClientSession::Progress ClientConnection::execute(Moment now) {
  using Progress = ClientSession::Progress;
  std::size_t decoded = 0;
  for (;;) {
    if (input_.unread().size() >= needed_bytes_) {
      const Duration heartbeats = session_.settings().heartbeat_interval;
      const auto step = session_.execute(input_.unread(), now, output());
      input_.consume(step.consumed);
      needed_bytes_ = step.needed_bytes;
      if (session_.settings().heartbeat_interval != heartbeats) restart_heartbeats(now);
      if (step.consumed > 0) renew_read_deadline(now);
      if (step.progress != Progress::Open || output().size() > kMaxUnwritten) return step.progress;
    }
    if (!layers_ || decoded >= kDecodedBytes) return Progress::Open;
    const std::size_t count = decode_more(now);
    if (count == 0) return Progress::Open;
    decoded += count;
  }
}

// Returns how many bytes there are more of. 0 if it takes some from the socket, or the connection
// is ending.
std::size_t ClientConnection::decode_more(Moment now) {
  const auto count = layers_->decode(input_, needed_bytes_);
  if (!count) {
    log::warning("[{}] - {}", info().remote_address, count.error().to_string());
    drain(CloseReason::BadEncoding, now);
    return 0;
  }
  if (*count == 0 && layers_->is_at_end()) on_end_of_stream();
  return *count;
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
      break;
  }
  const Moment now = Moment::now();
  // A message that timed out with a silent client must not come back to it just before it is cut
  // off, when both happen after the same time.
  if (!held_up_ && now.steady >= read_deadline_) return on_silence(now);
  work(now);
}

// --- writing -----------------------------------------------------------------------------------

void ClientConnection::flush(Moment now) {
  if (layers_) {
    write_encoded();
  } else {
    write_frames();
  }
  if (phase_ == Phase::Closed) return;
  if (has_unwritten()) return keep_unwritten(now);
  unwritten_.reset();
  if (session_.on_output_written()) on_session_notices();  // other connections first
}

void ClientConnection::write_frames() {
  std::array<asio::const_buffer, ClientOutput::kMaxParts> parts;
  ClientOutput& pending = output();
  while (!pending.empty() && !writing_) {
    const auto gathered = pending.gather(parts);
    std::error_code error;
    const std::size_t count = write_some(socket_, gathered, error);
    if (error && error != asio::error::would_block) return close(CloseReason::ConnectionLost);
    if (count > 0) write_deadline_ = Instant::never();
    const bool full = count < asio::buffer_size(gathered);
    pending.consume(count);
    if (full) break;
  }
}

void ClientConnection::write_encoded() {
  while (!writing_) {
    if (layers_->unwritten().empty()) layers_->encode(output());
    const std::string_view encoded = layers_->unwritten();
    if (encoded.empty()) return;
    std::error_code error;
    const std::size_t count = socket_.write_some(asio::buffer(encoded), error);
    if (error == asio::error::would_block) return;
    if (error) return close(CloseReason::ConnectionLost);
    write_deadline_ = Instant::never();
    layers_->consume_written(count);
    if (count < encoded.size()) return;
  }
}

// The socket takes no more: what is left leaves the loop's tools to the next connection.
void ClientConnection::keep_unwritten(Moment now) {
  if (!unwritten_ && !tools_.output.empty()) {
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
  if (phase_ == Phase::Upgrading) return begin_handshake();
  if (phase_ == Phase::Open) work(now);
}

// --- TLS and compression -----------------------------------------------------------------------

// Carries out what IDENTIFY has agreed on, after its answer. What the client has sent meanwhile is
// meant for the layers to come.
void ClientConnection::upgrade(Moment now) {
  if (!session_.upgrade().tls) return end_upgrade(now);
  phase_ = Phase::Upgrading;
  next_heartbeat_ = write_deadline_ = Instant::never();
  read_deadline_ = now.steady + 2 * kHandshakeTime;
  arm_timer();
  flush(now);
  begin_handshake();
}

// The answer to IDENTIFY must be out first: from here on only the acceptor writes.
void ClientConnection::begin_handshake() {
  if (phase_ != Phase::Upgrading || handshaking_ || has_unwritten()) return;
  handshaking_ = true;
  std::string received(input_.unread());
  input_.consume(received.size());
  tools_.tls->accept(socket_, std::move(received), kHandshakeTime,
                     [self = shared_from_this()](net::TlsAcceptor::Outcome outcome) {
                       self->guard([&] { self->on_handshake(std::move(outcome)); });
                     });
}

void ClientConnection::on_handshake(net::TlsAcceptor::Outcome outcome) {
  handshaking_ = false;
  if (phase_ == Phase::Closed) return;
  const Moment now = Moment::now();
  if (!outcome.result) return on_handshake_failed(outcome, now);
  session_.on_tls_started(outcome.layer->info(), output());
  layers_ = std::make_unique<ClientLayers>();
  layers_->push(std::move(outcome.layer));
  layers_->receive(outcome.undecoded);
  end_upgrade(now);
}

// A client that has begun a handshake expects TLS, and has been told in its own words. One that has
// not is told in the clear, or it would never know.
void ClientConnection::on_handshake_failed(const net::TlsAcceptor::Outcome& outcome, Moment now) {
  const protocol::ProtocolError error{protocol::ErrorCode::IdentifyFailed,
                                      "IDENTIFY failed " + outcome.result.error().context()};
  log::warning("[{}] - {}", info().remote_address, error.to_string());
  if (!outcome.has_begun) output().append_error(error);
  drain(CloseReason::UpgradeFailed, now);
}

// With or without TLS beneath it, the compression begins, and commands are executed again.
void ClientConnection::end_upgrade(Moment now) {
  const ClientSession::Upgrade& agreed = session_.upgrade();
  if (auto compression = agreed.make_compression()) {
    std::string early(input_.unread());
    input_.consume(early.size());
    if (!layers_) {
      layers_ = std::make_unique<ClientLayers>();
      layers_->receive(std::exchange(early, {}));
    }
    layers_->encode_all(output());
    layers_->push(std::move(compression), std::move(early));
    session_.on_compression_started(output());
  }
  session_.on_upgraded();
  phase_ = Phase::Open;
  needed_bytes_ = 0;
  restart_heartbeats(now);
  work(now);
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
  if (layers_ && output().empty() && !sent_last_) {
    layers_->end();
    write_encoded();
    if (phase_ == Phase::Closed) return;
    if (has_unwritten()) keep_unwritten(Moment::now());
  }
  if (!has_unwritten() && !sent_last_) {
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
  if (phase_ == Phase::Draining || phase_ == Phase::Upgrading) {
    const bool is_ending = phase_ == Phase::Draining;
    if (now.steady >= read_deadline_) return close(is_ending ? reason_ : CloseReason::ClientStuck);
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
