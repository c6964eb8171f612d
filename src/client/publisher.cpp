#include "client/publisher.h"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/use_awaitable.hpp>
#include <utility>

#include "client/client_error.h"
#include "client/commands.h"

namespace nsq::client {
namespace {
constexpr auto kUseTuple = asio::experimental::as_tuple(asio::use_awaitable);
}

asio::awaitable<Result<void>> Publisher::connect() {
  auto opened = co_await Connection::open(loop_, address_, options_);
  if (!opened) co_return opened.error();
  connection_ = std::move(*opened);
  asio::co_spawn(loop_, read_answers(shared_from_this(), connection_), asio::detached);
  co_return Result<void>();
}

asio::awaitable<Result<void>> Publisher::publish(std::string_view topic,
                                                 std::span<const std::string_view> bodies) {
  while (!failure_ && connection_ && !has_room()) co_await wait_for_change();
  if (failure_) co_return *failure_;
  if (!connection_) {
    if (const auto connected = co_await connect(); !connected) {
      failure_ = connected.error();
      co_return *failure_;
    }
  }
  std::string command;
  if (bodies.size() == 1) {
    append_pub(command, topic, bodies.front());
  } else {
    append_mpub(command, topic, bodies);
  }
  ++unanswered_;
  connection_->send(command);
  co_return Result<void>();
}

asio::awaitable<Result<void>> Publisher::drain() {
  while (!failure_ && unanswered_ > 0) co_await wait_for_change();
  if (failure_) co_return *failure_;
  co_return Result<void>();
}

bool Publisher::has_room() const {
  return unanswered_ < kWindow && connection_->unsent_bytes() < kMaxUnsentBytes;
}

asio::awaitable<void> Publisher::wait_for_change() {
  changed_.expires_at(asio::steady_timer::time_point::max());
  co_await changed_.async_wait(kUseTuple);
}

// Runs for as long as the connection lives, so that heartbeats are answered between publishes.
asio::awaitable<void> Publisher::read_answers(std::shared_ptr<Publisher> self,
                                              std::shared_ptr<Connection> connection) {
  while (true) {
    Result<void> result = co_await connection->receive();
    if (result) result = self->take_answers(*connection);
    if (!result) {
      connection->close();
      if (self->connection_ == connection) self->connection_.reset();
      const bool harmless = self->unanswered_ == 0 && result.error() != ClientErrc::Refused;
      if (!harmless && !self->failure_) self->failure_ = result.error();
    }
    self->changed_.cancel();
    if (!result) co_return;
  }
}

Result<void> Publisher::take_answers(Connection& connection) {
  while (true) {
    const auto next = connection.next_frame();
    if (!next) return next.error();
    if (!*next) return {};
    const protocol::Frame& frame = **next;
    if (frame.is(protocol::FrameType::Error)) {
      return Error(ClientErrc::Refused, std::string(frame.data));
    }
    if (unanswered_ == 0) return Error(ClientErrc::NotNsq, "an answer nobody waits for");
    --unanswered_;
  }
}

void Publisher::close() {
  if (connection_) connection_->close();
}

}  // namespace nsq::client
