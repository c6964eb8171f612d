#include "client/connection.h"

#include <algorithm>
#include <asio/buffer.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "client/commands.h"
#include "net/net_error.h"
#include "nsq/client_error.h"

namespace nsq::client {
namespace {

constexpr auto kUseTuple = asio::experimental::as_tuple(asio::use_awaitable);
constexpr std::size_t kWireBytes = std::size_t{16} << 10;  // read at a time below layers
constexpr std::size_t kDefaultMaxFrameBytes = std::size_t{256} << 20;
// Heartbeats of a daemon that takes no answers to them are not answered beyond this.
constexpr std::size_t kMaxUnsentNops = std::size_t{1} << 20;
// Memory of a sent batch that is kept for the next one.
constexpr std::size_t kKeptBytes = std::size_t{1} << 20;
// "HTTP" where a frame's size should be.
constexpr std::int32_t kHttp = 0x48545450;

std::size_t max_frame_bytes(const Config& config) {
  if (config.max_msg_size == 0) return kDefaultMaxFrameBytes;
  // Other frames, IDENTIFY's answer for one, are not messages and small.
  return std::max<std::size_t>(
      static_cast<std::size_t>(config.max_msg_size) + protocol::kMessageFrameHeaderBytes,
      std::size_t{64} << 10);
}

}  // namespace

Connection::Connection(net::Socket socket, std::string address, Profile profile)
    : socket_(std::move(socket)),
      address_(std::move(address)),
      profile_(std::move(profile)),
      frames_(max_frame_bytes(profile_->config)),
      silence_(socket_.get_executor(), [this] { close(Error(ClientErrc::Silent, "")); }),
      stalling_(socket_.get_executor(), [this] { close(Error(ClientErrc::Stalled, "")); }) {}

void Connection::send(std::string_view commands) {
  if (closed_ || ending_) return;
  outgoing_.append(commands);
  start_write();
}

void Connection::send_and_clear(std::string& commands) {
  if (closed_ || ending_) return commands.clear();
  if (outgoing_.empty()) {
    outgoing_.swap(commands);
  } else {
    outgoing_.append(commands);
  }
  commands.clear();
  start_write();
}

void Connection::end_sending() {
  if (closed_ || ending_) return;
  ending_ = true;
  start_write();
}

void Connection::start_write() {
  if (writing_ || closed_) return;
  if (being_sent_at_ == being_sent_.size()) {
    being_sent_.clear();
    being_sent_at_ = 0;
    if (being_sent_.capacity() > kKeptBytes) being_sent_.shrink_to_fit();
    if (!take_outgoing()) {
      std::error_code ignored;  // a peer that is gone shows in receive
      if (ending_) socket_.shutdown(net::Socket::shutdown_send, ignored);
      return;
    }
  }
  writing_ = true;
  stalling_.expect_by(Instant::now() + profile_->config.write_timeout);
  socket_.async_write_some(
      asio::buffer(being_sent_.data() + being_sent_at_, being_sent_.size() - being_sent_at_),
      [self = shared_from_this()](std::error_code error, std::size_t bytes) {
        self->on_written(error, bytes);
      });
}

// Puts what is to be sent next into `being_sent_`; false if there is nothing.
bool Connection::take_outgoing() {
  if (layers_.empty()) {
    being_sent_.swap(outgoing_);
    return !being_sent_.empty();
  }
  if (!outgoing_.empty()) {
    layers_.encode(outgoing_, being_sent_);
    layers_.flush(being_sent_);
    sent_bytes_ += outgoing_.size();
    outgoing_.clear();
  } else if (ending_ && !std::exchange(layers_ended_, true)) {
    layers_.end(being_sent_);
  }
  return !being_sent_.empty();
}

void Connection::on_written(std::error_code error, std::size_t bytes) {
  writing_ = false;
  stalling_.rest();
  being_sent_at_ += bytes;
  if (layers_.empty()) sent_bytes_ += bytes;
  if (error) return close(Error(net::system_error(error.value()), "write " + address_));
  start_write();
}

InputBuffer::Room Connection::room() {
  InputBuffer::Room room = input_.room(wanted_bytes_);
  if (shaking_hands_) {
    const std::size_t wanted = std::max(wanted_bytes_, protocol::kFrameHeaderBytes);
    room.bytes = std::min(room.bytes, wanted - std::min(wanted - 1, input_.bytes().size()));
  }
  return room;
}

asio::awaitable<Result<void>> Connection::receive() {
  if (layers_.empty()) return receive_plain();
  return receive_layered();
}

asio::awaitable<Result<void>> Connection::receive_plain() {
  const InputBuffer::Room space = room();
  silence_.expect_by(Instant::now() + profile_->config.read_timeout);
  const auto [error, received] =
      co_await socket_.async_read_some(asio::buffer(space.data, space.bytes), kUseTuple);
  silence_.rest();
  if (error) co_return ended(error, "read");
  input_.received(received);
  co_return Result<void>();
}

asio::awaitable<Result<void>> Connection::receive_layered() {
  while (true) {
    const InputBuffer::Room space = room();
    std::string_view undecoded = std::string_view(wire_).substr(wire_begin_);
    const auto decoded = layers_.decode(undecoded, {space.data, space.bytes});
    wire_begin_ = wire_.size() - undecoded.size();
    if (!decoded) {
      close(decoded.error());
      co_return decoded.error();
    }
    if (*decoded > 0) {
      input_.received(*decoded);
      co_return Result<void>();
    }
    if (layers_.is_at_end()) co_return ended(asio::error::eof, "read");
    if (const auto read = co_await read_wire(); !read) co_return read.error();
  }
}

// Adds what comes next to the undecoded bytes.
asio::awaitable<Result<void>> Connection::read_wire() {
  wire_.erase(0, wire_begin_);
  wire_begin_ = 0;
  const std::size_t held = wire_.size();
  wire_.resize(held + kWireBytes);
  silence_.expect_by(Instant::now() + profile_->config.read_timeout);
  const auto [error, received] = co_await socket_.async_read_some(
      asio::buffer(wire_.data() + held, wire_.size() - held), kUseTuple);
  silence_.rest();
  wire_.resize(held + received);
  if (error) co_return ended(error, "read");
  co_return Result<void>();
}

// Closes, and says why.
Error Connection::ended(std::error_code code, std::string_view operation) {
  const bool orderly = closed_ || code == asio::error::eof;
  close();
  if (why_) return *why_;
  if (orderly) return Error(ClientErrc::Disconnected, "");
  return Error(net::system_error(code.value()), std::string(operation) + " " + address_);
}

Result<std::optional<protocol::Frame>> Connection::next_frame() {
  while (true) {
    const std::string_view input = input_.bytes();
    switch (frames_.read(input)) {
      case protocol::FrameReader::Outcome::NeedMore:
        wanted_bytes_ = frames_.needed_bytes();
        return std::optional<protocol::Frame>();
      case protocol::FrameReader::Outcome::BadSize:
        if (load_big<std::int32_t>(input.data()) == kHttp) return Error(ClientErrc::HttpPort, "");
        return Error(ClientErrc::NotNsq, "a frame of an impossible size");
      case protocol::FrameReader::Outcome::Frame:
        break;
    }
    const protocol::Frame frame = frames_.frame();
    input_.take(frame.consumed);
    wanted_bytes_ = 0;
    if (frame.type < 0 || frame.type > static_cast<std::int32_t>(protocol::FrameType::Message)) {
      return Error(ClientErrc::NotNsq, "a frame of an unknown type");
    }
    if (!frame.is(protocol::FrameType::Response) || frame.data != protocol::kHeartbeat) {
      return std::optional(frame);
    }
    profile_->log->debug("({}) heartbeat received", address_);
    if (outgoing_.size() < kMaxUnsentNops) send("NOP\n");
  }
}

Connection::Parts Connection::take_apart() {
  NSQ_ASSERT(!closed_ && input_.bytes().empty());
  closed_ = true;
  silence_.rest();
  stalling_.rest();
  return {std::move(socket_), std::move(layers_), wire_.substr(wire_begin_)};
}

void Connection::close(std::optional<Error> why) {
  if (closed_) return;
  closed_ = true;
  why_ = std::move(why);
  silence_.rest();
  stalling_.rest();
  std::error_code ignored;  // nothing depends on how a socket closes
  socket_.close(ignored);
}

}  // namespace nsq::client
