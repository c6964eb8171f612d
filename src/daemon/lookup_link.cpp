#include "daemon/lookup_link.h"

#include <fmt/format.h>

#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <utility>

#include "base/log.h"
#include "net/net_error.h"

namespace nsq::daemon {
namespace {

constexpr auto kUseTuple = asio::experimental::as_tuple(asio::use_awaitable);

constexpr std::size_t kReadBytes = 4096;
constexpr std::size_t kMaxAnswerBytes = 65'536;
// Sent ahead of their answers: little enough for any socket's buffers to take the answers.
constexpr std::size_t kCommandsAtOnce = 500;

std::string reason_of(std::error_code error) {
  return error == asio::error::eof ? "connection closed"
                                   : net::system_error(error.value()).message();
}

}  // namespace

LookupLink::LookupLink(net::Socket socket, Home home)
    : socket_(std::move(socket)),
      home_(std::move(home)),
      watchdog_(socket_.get_executor(), [this] { close("no answer"); }),
      wake_up_(socket_.get_executor()) {}

void LookupLink::close(std::string reason) {
  if (lost_) return;
  lost_ = std::move(reason);
  watchdog_.rest();
  std::error_code ignored;  // there is nothing to be done about a failing close
  socket_.close(ignored);
  wake_up_.cancel();
}

void LookupLink::wake() {
  wake_up_.cancel();
}

// --- writing -----------------------------------------------------------------------------------

bool LookupLink::has_work(Instant now) const {
  return lost_ || (is_introduced_ && unanswered_ == 0 &&
                   (home_.registrations.has_changes() || ping_due_ <= now));
}

asio::awaitable<std::string> LookupLink::run(std::shared_ptr<LookupLink> self) {
  asio::co_spawn(self->socket_.get_executor(), read(self), asio::detached);
  std::string introduction(protocol::kMagicV1);
  introduction += "IDENTIFY\n";
  // A body has the form of an answer.
  protocol::append_answer(introduction, self->home_.introduction);
  co_await self->send(std::move(introduction), 1);
  while (!self->lost_) {
    if (!self->has_work(Instant::now())) {
      const bool answer_due = self->unanswered_ > 0;
      self->wake_up_.expires_at((answer_due ? Instant::never() : self->ping_due_).to_steady());
      co_await self->wake_up_.async_wait(kUseTuple);
      continue;
    }
    std::string commands;
    std::size_t count = self->home_.registrations.take_commands(commands, kCommandsAtOnce);
    if (count == 0 && self->ping_due_ <= Instant::now()) {
      commands = "PING\n";
      count = 1;
      self->ping_due_ = Instant::now() + self->home_.timings.ping_interval;
    }
    if (count > 0) co_await self->send(std::move(commands), count);
  }
  co_return *self->lost_;
}

asio::awaitable<void> LookupLink::send(std::string bytes, std::size_t answers) {
  unanswered_ += answers;
  watchdog_.expect_by(Instant::now() + home_.timings.answer_limit);
  const auto [error, size] = co_await asio::async_write(socket_, asio::buffer(bytes), kUseTuple);
  if (error) close(reason_of(error));
}

// --- reading -----------------------------------------------------------------------------------

asio::awaitable<void> LookupLink::read(std::shared_ptr<LookupLink> self) {
  std::string bytes(kReadBytes, '\0');
  while (!self->lost_) {
    const auto [error, size] =
        co_await self->socket_.async_read_some(asio::buffer(bytes), kUseTuple);
    if (self->lost_) break;
    if (error) {
      self->close(reason_of(error));
      break;
    }
    self->input_.append(bytes, 0, size);
    self->take_answers();
  }
}

void LookupLink::take_answers() {
  using Outcome = protocol::AnswerReader::Outcome;
  const protocol::AnswerReader reader(kMaxAnswerBytes);
  std::string_view rest = input_;
  while (!lost_) {
    const auto reading = reader.read(rest);
    if (reading.outcome == Outcome::NeedMore) break;
    if (reading.outcome == Outcome::BadSize) return close("an answer of impossible length");
    if (unanswered_ == 0) return close("an answer to nothing");
    on_answer(reading.data);
    rest.remove_prefix(reading.consumed);
  }
  input_.erase(0, input_.size() - rest.size());
}

void LookupLink::on_answer(std::string_view answer) {
  --unanswered_;
  if (unanswered_ > 0) {
    watchdog_.expect_by(Instant::now() + home_.timings.answer_limit);
  } else {
    watchdog_.rest();
    wake();
  }
  if (answer.starts_with("E_")) return close(fmt::format("refused: {}", answer));
  if (std::exchange(is_introduced_, true)) return;
  const auto identity = protocol::parse_peer_identity(answer);
  if (!identity) return close("no introduction in the answer to IDENTIFY");
  ping_due_ = Instant::now() + home_.timings.ping_interval;
  home_.registrations.start_over();
  home_.on_introduced(*identity);
}

}  // namespace nsq::daemon
