#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/instant.h"
#include "base/mutex.h"
#include "client/connection.h"
#include "client/latch.h"
#include "net/watchdog.h"
#include "nsq/producer.h"
#include "nsq/result.h"

namespace nsq::client {

// One publish that waits for its answer.
struct PendingPublish {
  PublishCallback done;
  std::uint32_t bytes = 0;  // of its command
  std::uint8_t hops = 0;    // daemons that did not get it
};

// Publishes that certainly reached no daemon, with their commands, one after the other.
struct Unsent {
  explicit Unsent(Error why) : reason(std::move(why)) {}

  std::string commands;
  std::vector<PendingPublish> publishes;
  Error reason;
};

// Publishing to one daemon: what is not sent yet, what is not answered yet, and the connection.
//
// Callers append commands; the I/O thread is woken once for all that are appended meanwhile, and
// sends them with one write. Answers come in the order of the commands.
//
// Threading: shared, but for what is marked as confined to the loop. Held by shared_ptr, because
// coroutines keep it alive.
class Publisher : public std::enable_shared_from_this<Publisher> {
 public:
  struct Callbacks {
    // On the loop, all of them.
    std::function<void(Unsent)> on_unsent;  // what the daemon did not get
    std::function<void(std::size_t stored, std::size_t failed)> on_answers;
    std::function<void(bool connected)> on_connection;
  };
  Publisher(asio::io_context& loop, std::string address,
            std::shared_ptr<const ConnectionProfile> profile, Callbacks callbacks);

  const std::string& address() const { return address_; }

  // Whether a publish has a chance: connected, or not known to be unreachable.
  bool is_usable() const { return !is_resting_.load(std::memory_order_relaxed); }
  bool is_connected() const { return is_connected_.load(std::memory_order_relaxed); }
  // Why it is not usable.
  Error last_failure();

  enum class Full { Wait, Fail };
  // Appends a command, whose bytes `encode` puts at the end of what it is given; `done` is taken
  // only if that succeeds.
  // Errors: NotSent while it is not usable, TooManyPending, Stopped.
  template <typename Encode>
  Result<void> publish(const Encode& encode, PublishCallback& done, std::uint8_t hops, Full full);
  // The same for what another daemon did not get; never waits, and may exceed the limits.
  Result<void> adopt(Unsent& unsent);

  std::size_t pending();
  // No more publishes. Waits until those pending are answered.
  bool drain(Instant deadline);
  void refuse();
  // On the loop. Cuts the connection off and fails what is pending; nobody is called afterwards.
  void close();
  // Connects, unless connected; on the loop.
  asio::awaitable<Result<void>> ping();

 private:
  using SelfPtr = std::shared_ptr<Publisher>;

  Result<void> make_room(Full full, Lock& lock) NSQ_REQUIRES(mutex_);
  void wake() NSQ_REQUIRES(mutex_);
  bool is_full() const NSQ_REQUIRES(mutex_);

  // On the loop:
  void work();
  void start_connecting();
  static asio::awaitable<void> run(SelfPtr self);
  asio::awaitable<Result<void>> connect();
  asio::awaitable<Error> receive_answers(std::shared_ptr<Connection> connection);
  Result<void> take_answers(Connection& connection);
  void take_oldest(std::size_t count, std::vector<PendingPublish>& to) NSQ_REQUIRES(mutex_);
  void complete(std::vector<PendingPublish>& answered, const Result<void>& result);
  void on_connect_failed(const Error& reason);
  void on_lost(const Error& reason, std::uint64_t sent_bytes);
  void give_up(Unsent unsent);
  void rest(const Error& reason);
  void expect_answers(bool has_progressed);

  asio::io_context& loop_;
  const std::string address_;
  const std::shared_ptr<const ConnectionProfile> profile_;
  Callbacks callbacks_;
  const std::size_t max_pending_;
  const std::size_t max_bytes_;

  std::atomic<bool> is_resting_{false};  // unreachable a moment ago
  std::atomic<bool> is_connected_{false};

  Mutex mutex_;
  std::condition_variable_any changed_;
  std::string commands_ NSQ_GUARDED_BY(mutex_);                  // not handed to the connection
  std::deque<PendingPublish> publishes_ NSQ_GUARDED_BY(mutex_);  // unanswered, oldest first
  std::uint64_t answered_bytes_ NSQ_GUARDED_BY(mutex_) = 0;      // commands before `publishes_`
  bool is_woken_ NSQ_GUARDED_BY(mutex_) = false;
  bool is_refusing_ NSQ_GUARDED_BY(mutex_) = false;
  bool is_closed_ NSQ_GUARDED_BY(mutex_) = false;
  std::optional<Error> last_failure_ NSQ_GUARDED_BY(mutex_);

  // Confined to the loop.
  std::weak_ptr<Connection> opening_;       // during an attempt
  std::shared_ptr<Connection> connection_;  // null while there is none
  bool is_running_ = false;                 // a coroutine connects or receives
  Duration delay_{0};                       // of the next rest
  std::string being_handed_;                // to the connection; reused
  net::Watchdog patience_;                  // with unanswered publishes
  bool is_waiting_ = false;                 // for answers
  asio::steady_timer rest_;
  std::vector<std::shared_ptr<Latch>> attempted_;  // who waits for the end of connecting
};

template <typename Encode>
Result<void> Publisher::publish(const Encode& encode, PublishCallback& done, std::uint8_t hops,
                                Full full) {
  Lock lock(mutex_);
  if (auto room = make_room(full, lock); !room) return room;
  const std::size_t before = commands_.size();
  encode(commands_);
  publishes_.push_back(
      {std::move(done), static_cast<std::uint32_t>(commands_.size() - before), hops});
  wake();
  return {};
}

}  // namespace nsq::client
