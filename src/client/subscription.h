#pragma once

#include <array>
#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/instant.h"
#include "client/answers.h"
#include "client/backoff.h"
#include "client/connection.h"
#include "client/delivery.h"
#include "client/handler_pool.h"
#include "client/latch.h"
#include "client/ready_sharing.h"
#include "nsq/consumer.h"
#include "nsq/result.h"

namespace nsq::client {

// What other threads may read of a subscription.
struct SubscriptionCounters {
  std::atomic<std::uint64_t> received{0};
  std::atomic<std::uint64_t> finished{0};
  std::atomic<std::uint64_t> requeued{0};
  std::atomic<std::uint64_t> late_answers{0};
  std::atomic<std::size_t> connections{0};
  std::atomic<std::size_t> in_flight{0};
  std::atomic<int> backoff_level{0};
  std::atomic<bool> is_starved{false};
};

// The I/O half of a consumer: its connections, what they may have in flight, backoff, discovery.
// Messages go to a pool of workers; answers come back through Answers.
//
// Threading: confined to the loop, but for the counters. Held by shared_ptr, because coroutines
// keep it alive.
class Subscription : public std::enable_shared_from_this<Subscription> {
 public:
  struct Setup {
    std::string topic;
    std::string channel;
    std::shared_ptr<const ConnectionProfile> profile;
    std::function<std::vector<std::string>(std::vector<std::string>)> discovery_filter;
    ConsumerObserver observer;
    // On the loop, once: all connections have ended, or the time to stop has passed.
    std::function<void()> on_stopped;
  };
  Subscription(asio::io_context& loop, Setup setup, std::shared_ptr<Answers> answers,
               std::shared_ptr<HandlerPool> pool);

  // As those of Consumer.
  asio::awaitable<Result<void>> connect(std::string address);
  asio::awaitable<Result<void>> add_lookupds(std::vector<std::string> addresses);
  Result<void> disconnect(const std::string& address);
  Result<void> remove_lookupd(const std::string& address);
  void set_max_in_flight(std::int64_t count);
  void set_paused(bool paused);
  void stop(Stop how);
  // Cuts everything off. Nothing of the pool is touched afterwards.
  void close();

  // Takes what Answers has.
  void collect();

  const SubscriptionCounters& counters() const { return counters_; }

 private:
  // One daemon.
  struct Link {
    Link(asio::io_context& loop, std::string to) : address(std::move(to)), retry(loop) {}

    const std::string address;
    bool is_direct = false;   // given by address, not found
    bool is_removed = false;  // by the user
    bool is_running = false;  // a coroutine keeps it
    Duration delay{0};        // before the next attempt
    Instant not_before;       // of the next attempt, for links that were found
    asio::steady_timer retry;
    std::shared_ptr<Latch> attempted;  // someone waits for the first attempt

    std::weak_ptr<Connection> opening;       // during an attempt
    std::shared_ptr<Connection> connection;  // null while there is none
    std::shared_ptr<const Origin> origin;    // of its messages
    Instant connected_at;
    std::uint64_t number = 0;         // of the connection; never used again
    std::size_t in_flight = 0;        // received and not answered
    std::size_t most_in_flight = 0;   // what the daemon was ever allowed, and some more
    bool is_subscribed = false;       // the daemon said so
    bool is_drained = false;          // the daemon delivers nothing more
    bool is_listed_for_send = false;  // in `to_send_`
    std::string commands;             // to be sent when this turn of work ends
  };
  using SelfPtr = std::shared_ptr<Subscription>;
  using LinkPtr = std::shared_ptr<Link>;
  struct Lookupd {
    std::string address;  // as the user calls it
    std::string url;
    bool is_asked = false;  // and has not answered yet
  };

  // subscription_links.cpp
  static asio::awaitable<void> keep(SelfPtr self, LinkPtr link);
  static asio::awaitable<Error> consume(SelfPtr self, LinkPtr link);
  static asio::awaitable<void> wait_to_retry(SelfPtr self, LinkPtr link);
  asio::awaitable<Result<void>> attempt(LinkPtr link);
  void start(const LinkPtr& link);
  void ended(Link& link);
  void on_connected(Link& link, std::shared_ptr<Connection> connection);
  void on_lost(Link& link, const Error& reason);
  Result<void> take_frames(Link& link);
  Result<void> on_response(Link& link, std::string_view text);
  Result<void> on_error_frame(Link& link, std::string_view text);
  void deliver(Link& link);
  void end_if_drained(Link& link);
  bool may_reconnect(const Link& link) const;
  bool may_redial(const Link& link) const;

  // subscription_lookup.cpp
  static asio::awaitable<void> keep_polling(SelfPtr self);
  // The latch, if any, waits for the answer and the first attempts to connect that it leads to.
  static asio::awaitable<void> ask(SelfPtr self, std::shared_ptr<Lookupd> lookupd,
                                   std::shared_ptr<Latch> latch);
  void ask_all(const std::shared_ptr<Latch>& latch);
  void found(std::vector<std::string> addresses, const std::shared_ptr<Latch>& latch);
  void poll_soon();
  Duration next_poll();

  // subscription.cpp
  void cut_off();
  void take_answers(const Slice& slice, bool last_look);
  void forward(Link& link, Delivery& delivery, AnswerState::Kind kind);
  void react(Backoff::Event event);
  void begin_backoff();
  void test_after_backoff();
  void apply(const ReadySharing::Changes& changes);
  void mark_to_send(Link& link);
  void send_marked();
  void look_for_partial_answers();
  void arm_redistribution();
  void set_limit();
  void update_starvation();
  void finish_stopping();
  double random();

  asio::io_context& loop_;
  Setup setup_;
  const Config& config_;
  const ClientLog& log_;  // the profile's
  const std::shared_ptr<Answers> answers_;
  std::shared_ptr<HandlerPool> pool_;  // null once closed

  std::map<std::string, LinkPtr> links_;
  std::unordered_map<std::uint64_t, Link*> by_number_;  // those connected
  std::uint64_t last_number_ = 0;

  ReadySharing sharing_;
  Backoff backoff_;
  std::int64_t max_in_flight_;
  bool paused_ = false;
  asio::steady_timer backoff_timer_;
  asio::steady_timer redistribution_;

  std::vector<std::shared_ptr<Lookupd>> lookupds_;
  asio::steady_timer poll_timer_;
  std::weak_ptr<Latch> first_poll_;  // while someone waits for it
  bool is_polling_ = false;
  bool is_poll_due_ = false;  // before its time
  Duration hurry_{0};         // until the next poll after a loss, growing; 0: no hurry
  bool jitter_is_over_ = false;
  Instant last_poll_;

  Answers::Taken taken_;                 // reused
  std::vector<Slice> current_;           // likewise
  std::vector<std::string_view> batch_;  // likewise
  std::vector<Link*> to_send_;
  asio::steady_timer partial_timer_;
  Duration partial_wait_{0};
  bool is_partial_armed_ = false;

  asio::steady_timer stop_timer_;
  bool stopping_ = false;
  bool giving_back_ = false;
  bool stopped_ = false;
  std::size_t running_ = 0;  // coroutines that keep links

  std::mt19937_64 random_{std::random_device()()};
  SubscriptionCounters counters_;
};

}  // namespace nsq::client
