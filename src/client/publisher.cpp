#include "client/publisher.h"

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/post.hpp>
#include <utility>

#include "nsq/client_error.h"

namespace nsq::client {
namespace {

constexpr Duration kLongestRest = std::chrono::seconds(30);

// A publish that another daemon may take, as opposed to one that none would.
bool is_for_another_daemon(std::string_view error) {
  return error.starts_with("E_PUB_FAILED") || error.starts_with("E_MPUB_FAILED") ||
         error.starts_with("E_DPUB_FAILED");
}

Error error_of(std::string_view frame) {
  const auto code = is_for_another_daemon(frame) ? ClientErrc::Unavailable : ClientErrc::Refused;
  return Error(code, std::string(frame));
}

}  // namespace

Publisher::Publisher(asio::io_context& loop, std::string address,
                     std::shared_ptr<const ConnectionProfile> profile, Callbacks callbacks)
    : loop_(loop),
      address_(std::move(address)),
      profile_(std::move(profile)),
      callbacks_(std::move(callbacks)),
      max_pending_(static_cast<std::size_t>(profile_->config.max_pending)),
      max_bytes_(static_cast<std::size_t>(profile_->config.max_pending_bytes)),
      patience_(loop.get_executor(),
                [this] {
                  if (connection_) {
                    connection_->close(Error(ClientErrc::Silent, "no answer to a publish"));
                  }
                }),
      rest_(loop) {}

Error Publisher::last_failure() {
  const Lock lock(mutex_);
  return Error(ClientErrc::NotSent, last_failure_ ? last_failure_->to_string() : address_);
}

bool Publisher::is_full() const {
  return publishes_.size() >= max_pending_ || commands_.size() >= max_bytes_;
}

Result<void> Publisher::make_room(Full full, Lock& lock) {
  while (true) {
    if (is_refusing_) return Error(ClientErrc::Stopped, "");
    if (!is_usable()) {
      return Error(ClientErrc::NotSent, last_failure_ ? last_failure_->to_string() : address_);
    }
    if (!is_full()) return {};
    if (full == Full::Fail) return Error(ClientErrc::TooManyPending, "");
    changed_.wait(lock);
  }
}

Result<void> Publisher::adopt(Unsent& unsent) {
  const Lock lock(mutex_);
  if (is_refusing_) return Error(ClientErrc::Stopped, "");
  commands_.append(unsent.commands);
  for (PendingPublish& publish : unsent.publishes) publishes_.push_back(std::move(publish));
  wake();
  return {};
}

void Publisher::wake() {
  if (std::exchange(is_woken_, true)) return;
  asio::post(loop_, [self = shared_from_this()] { self->work(); });
}

// Hands on what was appended since the last time, or sees to it that there is a connection.
void Publisher::work() {
  {
    const Lock lock(mutex_);
    is_woken_ = false;
    if (commands_.empty()) return;
    if (connection_) being_handed_.swap(commands_);
    changed_.notify_all();
  }
  if (!connection_) return start_connecting();
  connection_->send_and_clear(being_handed_);
  expect_answers(false);
}

void Publisher::start_connecting() {
  if (std::exchange(is_running_, true)) return;
  asio::co_spawn(loop_, run(shared_from_this()), asio::detached);
}

// One connection's life. The next publish begins another one.
asio::awaitable<void> Publisher::run(SelfPtr self) {
  const auto connected = co_await self->connect();
  if (!connected) {
    self->is_running_ = false;
    self->on_connect_failed(connected.error());
  }
  for (const auto& latch : std::exchange(self->attempted_, {})) latch->arrive();
  if (!connected) co_return;
  const std::shared_ptr<Connection> connection = self->connection_;
  self->work();
  const Error reason = co_await self->receive_answers(connection);
  connection->close();
  self->connection_.reset();
  self->is_running_ = false;
  self->on_lost(reason, connection->sent_bytes());
}

asio::awaitable<Result<void>> Publisher::connect() {
  profile_->log->info("({}) connecting to nsqd", address_);
  auto opened = co_await Connection::open(loop_, address_, profile_, opening_);
  if (!opened) co_return opened.error();
  {
    const Lock lock(mutex_);
    if (is_closed_) {
      (*opened)->close();
      co_return Error(ClientErrc::Stopped, "");
    }
    connection_ = std::move(*opened);
    // Bytes are counted from the first publish on.
    answered_bytes_ = connection_->sent_bytes();
  }
  delay_ = Duration::zero();
  is_connected_ = true;
  if (callbacks_.on_connection) callbacks_.on_connection(true);
  co_return Result<void>();
}

asio::awaitable<Result<void>> Publisher::ping() {
  if (!connection_) {
    const auto latch = std::make_shared<Latch>(loop_);
    latch->expect();
    attempted_.push_back(latch);
    start_connecting();
    co_await latch->wait();
  }
  if (!connection_) co_return last_failure();
  co_return Result<void>();
}

asio::awaitable<Error> Publisher::receive_answers(std::shared_ptr<Connection> connection) {
  while (true) {
    if (const auto received = co_await connection->receive(); !received) {
      co_return received.error();
    }
    if (const auto taken = take_answers(*connection); !taken) co_return taken.error();
  }
}

// All answers of one read: the publishes are taken out under one lock, their callbacks run without.
Result<void> Publisher::take_answers(Connection& connection) {
  std::size_t stored = 0;
  std::optional<Error> refusal;
  Result<void> result;
  while (result && !refusal) {
    const auto next = connection.next_frame();
    if (!next) result = next.error();
    if (!next || !*next) break;
    if ((*next)->is(protocol::FrameType::Response)) {
      ++stored;
    } else if ((*next)->is(protocol::FrameType::Error)) {
      refusal = error_of((*next)->data);
    } else {
      result = Error(ClientErrc::NotNsq, "a message for a producer");
    }
  }
  std::vector<PendingPublish> answered;
  std::vector<PendingPublish> refused;
  {
    const Lock lock(mutex_);
    if (publishes_.size() < stored)
      result = Error(ClientErrc::NotNsq, "an answer nobody waits for");
    take_oldest(std::min(stored, publishes_.size()), answered);
    if (refusal) take_oldest(std::min<std::size_t>(1, publishes_.size()), refused);
    // The answers to heartbeats are not in our count.
    if (publishes_.empty()) answered_bytes_ = connection.sent_bytes();
    changed_.notify_all();
  }
  if (stored > 0) expect_answers(true);
  complete(answered, {});
  if (!refusal) return result;
  profile_->log->error("({}) protocol error - {}", address_, refusal->context());
  if (*refusal == ClientErrc::Unavailable) rest(*refusal);
  complete(refused, *refusal);
  return *refusal;  // the daemon closes the connection, too
}

void Publisher::take_oldest(std::size_t count, std::vector<PendingPublish>& to) {
  for (; count > 0; --count) {
    answered_bytes_ += publishes_.front().bytes;
    to.push_back(std::move(publishes_.front()));
    publishes_.pop_front();
  }
}

void Publisher::complete(std::vector<PendingPublish>& answered, const Result<void>& result) {
  if (answered.empty()) return;
  if (callbacks_.on_answers) {
    callbacks_.on_answers(result ? answered.size() : 0, result ? 0 : answered.size());
  }
  for (PendingPublish& publish : answered) publish.done(result);
  answered.clear();
}

// A daemon that keeps its heartbeats up and answers nothing is as good as gone.
void Publisher::expect_answers(bool has_progressed) {
  const Lock lock(mutex_);
  if (publishes_.empty()) {
    patience_.rest();
  } else if (has_progressed || !is_waiting_) {
    patience_.expect_by(Instant::now() + profile_->config.publish_timeout);
  }
  is_waiting_ = !publishes_.empty();
}

// No publishes for a while, each time a longer one.
void Publisher::rest(const Error& reason) {
  const Duration first = profile_->config.reconnect_delay;
  delay_ = std::clamp<Duration>(2 * delay_, first, std::max<Duration>(kLongestRest, first));
  {
    const Lock lock(mutex_);
    last_failure_ = reason;
    is_resting_ = true;
    changed_.notify_all();
  }
  rest_.expires_after(delay_);
  rest_.async_wait([self = shared_from_this()](std::error_code error) {
    if (!error) self->is_resting_ = false;
  });
}

void Publisher::on_connect_failed(const Error& reason) {
  profile_->log->error("({}) error connecting to nsqd - {}", address_, reason.to_string());
  rest(reason);
  Unsent unsent(Error(ClientErrc::NotSent, reason.to_string()));
  {
    const Lock lock(mutex_);
    unsent.commands.swap(commands_);
    unsent.publishes.assign(std::make_move_iterator(publishes_.begin()),
                            std::make_move_iterator(publishes_.end()));
    publishes_.clear();
    changed_.notify_all();
  }
  if (!unsent.publishes.empty()) give_up(std::move(unsent));
}

// What has left is open. What has not is for another connection, as far as its bytes are at hand.
void Publisher::on_lost(const Error& reason, std::uint64_t sent_bytes) {
  patience_.rest();
  is_waiting_ = false;
  if (is_connected_.exchange(false) && callbacks_.on_connection) callbacks_.on_connection(false);
  std::vector<PendingPublish> open;
  std::vector<PendingPublish> dropped;
  Unsent unsent(Error(ClientErrc::NotSent, reason.to_string()));
  {
    const Lock lock(mutex_);
    while (!publishes_.empty() && answered_bytes_ + publishes_.front().bytes <= sent_bytes) {
      take_oldest(1, open);
    }
    std::uint64_t bytes = 0;
    for (const PendingPublish& publish : publishes_) bytes += publish.bytes;
    for (; bytes > commands_.size(); bytes -= dropped.back().bytes) take_oldest(1, dropped);
    take_oldest(publishes_.size(), unsent.publishes);
    unsent.commands.swap(commands_);
    changed_.notify_all();
  }
  profile_->log->error("({}) IO error - {}", address_, reason.to_string());
  complete(open, Error(ClientErrc::OutcomeUnknown, reason.to_string()));
  complete(dropped, unsent.reason);
  if (!unsent.publishes.empty()) give_up(std::move(unsent));
}

void Publisher::give_up(Unsent unsent) {
  if (callbacks_.on_unsent) return callbacks_.on_unsent(std::move(unsent));
  complete(unsent.publishes, unsent.reason);
}

std::size_t Publisher::pending() {
  const Lock lock(mutex_);
  return publishes_.size();
}

void Publisher::refuse() {
  const Lock lock(mutex_);
  is_refusing_ = true;
  changed_.notify_all();
}

bool Publisher::drain(Instant deadline) {
  Lock lock(mutex_);
  while (!publishes_.empty()) {
    if (changed_.wait_until(lock, deadline.to_steady()) == std::cv_status::timeout) break;
  }
  return publishes_.empty();
}

void Publisher::close() {
  {
    const Lock lock(mutex_);
    is_closed_ = is_refusing_ = true;
  }
  callbacks_.on_unsent = nullptr;
  callbacks_.on_connection = nullptr;
  rest_.cancel();
  if (const auto opening = opening_.lock()) opening->close(Error(ClientErrc::Stopped, ""));
  std::uint64_t sent_bytes = 0;
  if (connection_) {
    sent_bytes = connection_->sent_bytes();
    connection_->close(Error(ClientErrc::Stopped, ""));
  }
  profile_->log->silence();
  on_lost(Error(ClientErrc::Stopped, ""), sent_bytes);
  callbacks_.on_answers = nullptr;
}

}  // namespace nsq::client
