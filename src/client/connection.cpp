#include "client/connection.h"

#include <fmt/format.h>
#include <simdjson.h>
#include <unistd.h>

#include <algorithm>
#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <cstring>
#include <utility>

#include "base/json_writer.h"
#include "client/client_error.h"
#include "client/commands.h"
#include "net/address.h"
#include "net/connect.h"
#include "net/net_error.h"

namespace nsq::client {
namespace {

constexpr auto kUseTuple = asio::experimental::as_tuple(asio::use_awaitable);
constexpr std::size_t kReadBytes = std::size_t{64} << 10;  // room for a read, at least

std::string host_name() {
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  return name;
}

ConnectionOptions with_defaults(ConnectionOptions options) {
  if (options.hostname.empty()) options.hostname = host_name();
  if (options.client_id.empty()) {
    options.client_id = options.hostname.substr(0, options.hostname.find('.'));
  }
  return options;
}

std::string identify_json(const ConnectionOptions& options) {
  const auto heartbeat_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(options.heartbeat_interval).count();
  JsonWriter json;
  json.begin_object()
      .member("client_id", options.client_id)
      .member("short_id", options.client_id)
      .member("hostname", options.hostname)
      .member("long_id", options.hostname)
      .member("user_agent", options.user_agent)
      .member("feature_negotiation", true)
      .member("heartbeat_interval", heartbeat_ms)
      .end_object();
  return json.take_text();
}

}  // namespace

Connection::Connection(net::Socket socket, std::string address, ConnectionOptions options)
    : socket_(std::move(socket)),
      address_(std::move(address)),
      options_(with_defaults(std::move(options))),
      frames_(options_.max_frame_bytes),
      watchdog_(socket_.get_executor(), [this] {
        silent_ = true;
        close();
      }) {}

asio::awaitable<Result<std::shared_ptr<Connection>>> Connection::open(asio::io_context& loop,
                                                                      std::string address,
                                                                      ConnectionOptions options) {
  auto socket = co_await net::connect(loop, net::Address::parse(address), options.dial_timeout);
  if (!socket) co_return socket.error();
  auto connection = std::make_shared<Connection>(std::move(*socket), address, std::move(options));
  if (const auto identified = co_await connection->identify(); !identified) {
    connection->close();
    co_return identified.error();
  }
  co_return connection;
}

asio::awaitable<Result<void>> Connection::identify() {
  std::string opening(protocol::kMagicV2);
  append_identify(opening, identify_json(options_));
  send(opening);
  while (true) {
    const auto frame = next_frame();
    if (!frame) co_return frame.error();
    if (*frame) co_return take_identify_reply(**frame);
    if (const auto received = co_await receive(); !received) co_return received.error();
  }
}

Result<void> Connection::take_identify_reply(const protocol::Frame& frame) {
  if (!frame.is(protocol::FrameType::Response)) {
    return Error(ClientErrc::Refused, fmt::format("failed to IDENTIFY - {}", frame.data));
  }
  // A server without feature negotiation answers OK.
  if (!frame.data.starts_with('{')) return {};
  simdjson::dom::parser parser;
  simdjson::dom::element reply;
  std::int64_t max_rdy_count = 0;
  if (parser.parse(simdjson::padded_string(frame.data)).get(reply) != simdjson::SUCCESS) {
    return Error(ClientErrc::NotNsq, "failed to decode the answer to IDENTIFY");
  }
  if (reply["max_rdy_count"].get(max_rdy_count) == simdjson::SUCCESS && max_rdy_count > 0) {
    max_rdy_count_ = max_rdy_count;
  }
  return {};
}

void Connection::send(std::string_view commands) {
  if (closed_ || ending_) return;
  const bool idle = unsent_bytes() == 0;
  outgoing_.append(commands);
  if (idle && !outgoing_.empty()) {
    asio::co_spawn(socket_.get_executor(), write_queued(shared_from_this()), asio::detached);
  }
}

void Connection::end_sending() {
  if (closed_ || ending_) return;
  ending_ = true;
  if (unsent_bytes() > 0) return;  // the pending write does it
  std::error_code ignored;         // a peer that is gone shows in receive
  socket_.shutdown(net::Socket::shutdown_send, ignored);
}

asio::awaitable<void> Connection::write_queued(std::shared_ptr<Connection> self) {
  while (!self->outgoing_.empty()) {
    self->being_sent_.swap(self->outgoing_);
    const auto [error, sent] =
        co_await asio::async_write(self->socket_, asio::buffer(self->being_sent_), kUseTuple);
    self->being_sent_.clear();
    if (error) {
      self->outgoing_.clear();
      self->close();
      co_return;
    }
  }
  if (self->ending_) {
    std::error_code ignored;  // a peer that is gone shows in receive
    self->socket_.shutdown(net::Socket::shutdown_send, ignored);
  }
}

// Makes room for the rest of a frame that has begun, or for a good read.
void Connection::reserve_input() {
  if (begin_ == end_) begin_ = end_ = 0;
  const std::size_t wanted = std::max(wanted_bytes_, end_ - begin_ + kReadBytes);
  if (input_.size() - begin_ >= wanted) return;
  if (begin_ > 0) std::memmove(input_.data(), input_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  if (input_.size() < wanted) input_.resize(std::max(wanted, 2 * input_.size()));
}

asio::awaitable<Result<void>> Connection::receive() {
  reserve_input();
  watchdog_.expect_by(Instant::now() + options_.read_timeout);
  const auto [error, received] = co_await socket_.async_read_some(
      asio::buffer(input_.data() + end_, input_.size() - end_), kUseTuple);
  watchdog_.rest();
  if (error) {
    const bool orderly = closed_ || error == asio::error::eof;
    close();
    if (silent_) co_return Error(ClientErrc::Silent, "");
    if (orderly) co_return Error(ClientErrc::Disconnected, "");
    co_return Error(net::system_error(error.value()), "read " + address_);
  }
  end_ += received;
  co_return Result<void>();
}

Result<std::optional<protocol::Frame>> Connection::next_frame() {
  while (true) {
    const std::string_view input(input_.data() + begin_, end_ - begin_);
    switch (frames_.read(input)) {
      case protocol::FrameReader::Outcome::NeedMore:
        wanted_bytes_ = frames_.needed_bytes();
        return std::optional<protocol::Frame>();
      case protocol::FrameReader::Outcome::BadSize:
        return Error(ClientErrc::NotNsq, address_);
      case protocol::FrameReader::Outcome::Frame:
        break;
    }
    const protocol::Frame frame = frames_.frame();
    begin_ += frame.consumed;
    wanted_bytes_ = 0;
    if (!frame.is(protocol::FrameType::Response) || frame.data != protocol::kHeartbeat) {
      return std::optional(frame);
    }
    std::string answer;
    append_nop(answer);
    send(answer);
  }
}

void Connection::close() {
  if (closed_) return;
  closed_ = true;
  watchdog_.rest();
  std::error_code ignored;  // nothing depends on how a socket closes
  socket_.close(ignored);
}

}  // namespace nsq::client
