#include "nsq/consumer.h"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/post.hpp>
#include <condition_variable>
#include <exception>
#include <future>
#include <optional>
#include <utility>

#include "base/mutex.h"
#include "client/handler_pool.h"
#include "client/io_thread.h"
#include "client/lookup.h"
#include "client/subscription.h"
#include "nsq/client_error.h"
#include "protocol/names.h"

namespace nsq {

using client::IoThread;
using client::Subscription;

namespace {

constexpr std::size_t kMaxConcurrency = 10'000;

Error invalid(std::string reason) {
  return Error(ClientErrc::InvalidArgument, std::move(reason));
}

Result<void> check(const ConsumerOptions& options) {
  if (!protocol::is_valid_name(options.topic)) return invalid("invalid topic name");
  if (!protocol::is_valid_name(options.channel)) return invalid("invalid channel name");
  if (!options.handler && !options.batch_handler) return invalid("no handlers");
  if (options.handler && options.batch_handler) return invalid("handler and batch_handler");
  if (options.concurrency < 1 || options.concurrency > kMaxConcurrency) {
    return invalid("concurrency must be 1 to 10000");
  }
  if (options.config.heartbeat_interval < Config::Duration::zero()) {
    return Error(ClientErrc::InvalidOption,
                 "invalid heartbeat_interval ! a consumer cannot do without heartbeats");
  }
  return options.config.validate();
}

// Hands a coroutine's result to whoever waits for it.
auto completing(std::promise<Result<void>>& promise) {
  return [&promise](std::exception_ptr thrown, Result<void> result) {
    if (thrown) {
      promise.set_exception(thrown);
    } else {
      promise.set_value(std::move(result));
    }
  };
}

// Keeps the subscription alive, and leaves it to say in the log what went wrong.
asio::awaitable<void> add_lookupds(std::shared_ptr<Subscription> subscription,
                                   std::vector<std::string> addresses) {
  [[maybe_unused]] const auto added = co_await subscription->add_lookupds(std::move(addresses));
}

}  // namespace

// Joins the two halves, the subscription on the I/O thread and the pool of workers, and lets go of
// them in order.
class Consumer::Impl {
 public:
  Impl(ConsumerOptions options, std::shared_ptr<const client::ConnectionProfile> profile)
      : io_(IoThread::shared()), topic_(options.topic) {
    // Answers and subscription need each other.
    const auto target = std::make_shared<std::weak_ptr<Subscription>>();
    const auto answers = std::make_shared<client::Answers>(
        options.topic, options.channel, options.config, [target, &loop = io_->loop()] {
          asio::post(loop, [target] {
            if (const auto subscription = target->lock()) subscription->collect();
          });
        });
    pool_ = std::make_shared<client::HandlerPool>(
        client::HandlerSetup{.handler = std::move(options.handler),
                             .batch_handler = std::move(options.batch_handler),
                             .on_giving_up = std::move(options.on_giving_up),
                             .on_handled = options.observer.on_handled,
                             .concurrency = options.concurrency,
                             .max_attempts = options.config.max_attempts,
                             .log = profile->log},
        answers);
    subscription_ = std::make_shared<Subscription>(
        io_->loop(),
        Subscription::Setup{.topic = options.topic,
                            .channel = options.channel,
                            .profile = std::move(profile),
                            .discovery_filter = std::move(options.discovery_filter),
                            .observer = std::move(options.observer),
                            .on_stopped = [this] { on_stopped(); }},
        answers, pool_);
    *target = subscription_;
    stop_timeout_ = options.config.stop_timeout;
  }

  ~Impl() {
    stop(Stop::Finish);
    wait();
    io_->call([this] { subscription_->close(); });
    pool_->end();
    pool_.reset();  // joins
    subscription_.reset();
  }

  Result<void> connect(const std::vector<std::string>& addresses) {
    std::vector<std::promise<Result<void>>> promises(addresses.size());
    for (std::size_t i = 0; i < addresses.size(); ++i) {
      asio::co_spawn(io_->loop(), subscription_->connect(addresses[i]), completing(promises[i]));
    }
    Result<void> first;
    for (auto& promise : promises) {
      auto result = promise.get_future().get();
      if (first && !result) first = std::move(result);
    }
    return first;
  }

  Result<void> connect_to_lookupds(const std::vector<std::string>& addresses) {
    std::promise<Result<void>> promise;
    asio::co_spawn(io_->loop(), subscription_->add_lookupds(addresses), completing(promise));
    return promise.get_future().get();
  }

  Result<void> start_lookups(const std::vector<std::string>& addresses) {
    for (const std::string& address : addresses) {
      const auto url = client::lookup_url(address, topic_);
      if (!url) return url.error();
    }
    asio::co_spawn(io_->loop(), add_lookupds(subscription_, addresses), asio::detached);
    return {};
  }

  template <typename Function>
  auto call(Function function) {
    return io_->call([&] { return function(*subscription_); });
  }
  // For what may be called from a handler or callback.
  template <typename Function>
  void post(Function function) {
    asio::post(io_->loop(), [subscription = subscription_, function] { function(*subscription); });
  }

  void stop(Stop how) {
    {
      const Lock lock(mutex_);
      if (!deadline_) deadline_ = Instant::now() + stop_timeout_;
    }
    post([how](Subscription& subscription) { subscription.stop(how); });
  }

  void wait() { wait_until(Instant::never()); }

  bool wait_until(Instant limit) {
    Instant deadline;
    {
      Lock lock(mutex_);
      while (!stopped_) {
        if (limit == Instant::never()) {
          changed_.wait(lock);
        } else if (changed_.wait_until(lock, limit.to_steady()) == std::cv_status::timeout) {
          if (!stopped_) return false;
        }
      }
      deadline = deadline_.value_or(Instant::now());
    }
    // What handlers are still busy with belongs to connections that are gone.
    pool_->end();
    return pool_->wait_ended(std::min(deadline, limit)) || limit > deadline;
  }

  const client::SubscriptionCounters& counters() const { return subscription_->counters(); }
  std::uint64_t given_up() const { return pool_->given_up(); }

 private:
  void on_stopped() {
    const Lock lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }

  const std::shared_ptr<IoThread> io_;
  const std::string topic_;
  std::shared_ptr<client::HandlerPool> pool_;
  std::shared_ptr<Subscription> subscription_;
  Duration stop_timeout_{0};

  Mutex mutex_;
  std::condition_variable_any changed_;
  bool stopped_ NSQ_GUARDED_BY(mutex_) = false;
  std::optional<Instant> deadline_ NSQ_GUARDED_BY(mutex_);
};

Consumer::Consumer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Consumer::~Consumer() = default;
Consumer::Consumer(Consumer&& other) noexcept = default;
Consumer& Consumer::operator=(Consumer&& other) noexcept = default;

Result<Consumer> Consumer::create(ConsumerOptions options) {
  if (auto valid = check(options); !valid) return valid.error();
  auto log = std::make_shared<const client::ClientLog>(
      options.logging, "[" + options.topic + "/" + options.channel + "] ");
  auto profile = client::make_profile(options.config, log);
  if (!profile) return profile.error();
  if (options.config.max_in_flight > 0 &&
      options.concurrency > static_cast<std::size_t>(options.config.max_in_flight)) {
    log->warning("{} handlers share max_in_flight {}", options.concurrency,
                 options.config.max_in_flight);
  }
  return Consumer(std::make_unique<Impl>(std::move(options), std::move(*profile)));
}

Result<Consumer> Consumer::create(std::string topic, std::string channel, Handler handler,
                                  Config config) {
  ConsumerOptions options;
  options.topic = std::move(topic);
  options.channel = std::move(channel);
  options.handler = std::move(handler);
  options.config = std::move(config);
  return create(std::move(options));
}

Result<void> Consumer::connect_to_nsqd(const std::string& address) {
  return impl_->connect({address});
}
Result<void> Consumer::connect_to_nsqds(const std::vector<std::string>& addresses) {
  return impl_->connect(addresses);
}
Result<void> Consumer::connect_to_lookupd(const std::string& address) {
  return connect_to_lookupds({address});
}
Result<void> Consumer::connect_to_lookupds(const std::vector<std::string>& addresses) {
  return impl_->connect_to_lookupds(addresses);
}
Result<void> Consumer::start_lookups(const std::vector<std::string>& addresses) {
  return impl_->start_lookups(addresses);
}
Result<void> Consumer::disconnect_from_nsqd(const std::string& address) {
  return impl_->call([&](Subscription& subscription) { return subscription.disconnect(address); });
}
Result<void> Consumer::disconnect_from_lookupd(const std::string& address) {
  return impl_->call(
      [&](Subscription& subscription) { return subscription.remove_lookupd(address); });
}

void Consumer::change_max_in_flight(std::int64_t count) {
  impl_->post([count](Subscription& subscription) { subscription.set_max_in_flight(count); });
}
void Consumer::pause() {
  impl_->post([](Subscription& subscription) { subscription.set_paused(true); });
}
void Consumer::unpause() {
  impl_->post([](Subscription& subscription) { subscription.set_paused(false); });
}

bool Consumer::is_starved() const {
  return impl_->counters().is_starved.load(std::memory_order_relaxed);
}

ConsumerStats Consumer::stats() const {
  const auto& counters = impl_->counters();
  return {.messages_received = counters.received,
          .messages_finished = counters.finished,
          .messages_requeued = counters.requeued,
          .messages_given_up = impl_->given_up(),
          .late_answers = counters.late_answers,
          .connections = counters.connections,
          .in_flight = counters.in_flight,
          .backoff_level = counters.backoff_level};
}

void Consumer::stop(Stop how) {
  impl_->stop(how);
}
void Consumer::wait() {
  impl_->wait();
}
bool Consumer::wait_for(std::chrono::nanoseconds limit) {
  return impl_->wait_until(Instant::now() + limit);
}

}  // namespace nsq
