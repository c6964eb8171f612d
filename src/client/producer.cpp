#include "nsq/producer.h"

#include <fmt/format.h>

#include <asio/co_spawn.hpp>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <future>
#include <optional>
#include <utility>

#include "base/mutex.h"
#include "client/commands.h"
#include "client/io_thread.h"
#include "client/publisher.h"
#include "protocol/names.h"

namespace nsq {

using client::IoThread;
using client::Publisher;
using client::Unsent;

namespace {

// No daemon takes nearly that much.
constexpr std::size_t kMaxCommandBytes = std::size_t{1} << 30;

Error invalid(std::string reason) {
  return Error(ClientErrc::InvalidArgument, std::move(reason));
}

Result<void> check_body(std::string_view body) {
  if (body.empty()) return invalid("empty body");
  if (body.size() > kMaxCommandBytes) return invalid("body too long");
  return {};
}

Result<void> check(std::string_view topic, std::string_view body) {
  if (!protocol::is_valid_name(topic)) return invalid("invalid topic name");
  return check_body(body);
}

Result<void> check(std::string_view topic, std::span<const std::string_view> bodies) {
  if (!protocol::is_valid_name(topic)) return invalid("invalid topic name");
  if (bodies.empty()) return invalid("no bodies");
  for (const std::string_view body : bodies) {
    if (auto valid = check_body(body); !valid) return valid;
  }
  if (client::mpub_bytes(bodies) > kMaxCommandBytes) return invalid("bodies too long");
  return {};
}

// Where a thread waits for the outcome of its publish.
class Waiter {
 public:
  PublishCallback callback() {
    return [this](const PublishResult& result) {
      const Lock lock(mutex_);
      result_ = result;
      answered_.notify_one();
    };
  }
  PublishResult wait() {
    Lock lock(mutex_);
    while (!result_) answered_.wait(lock);
    return *result_;
  }

 private:
  Mutex mutex_;
  std::condition_variable_any answered_;
  std::optional<PublishResult> result_ NSQ_GUARDED_BY(mutex_);
};

// The daemons of a producer, and which of them is next.
//
// Threading: shared.
class Daemons : public std::enable_shared_from_this<Daemons> {
 public:
  explicit Daemons(ProducerOptions options) : options_(std::move(options)) {}

  void open(asio::io_context& loop,
            const std::shared_ptr<const client::ConnectionProfile>& profile) {
    for (const std::string& address : options_.addresses) {
      publishers_.push_back(
          std::make_shared<Publisher>(loop, address, profile, callbacks(address)));
    }
  }

  // Gives the command to the first daemon in turn that takes it. `done` is taken on success.
  template <typename Encode>
  Result<void> publish(const Encode& encode, PublishCallback& done, Publisher::Full full) {
    const std::size_t first = first_choice();
    Result<void> result;
    for (std::size_t i = 0; i < publishers_.size(); ++i) {
      Publisher& publisher = *publishers_[(first + i) % publishers_.size()];
      result = publisher.publish(encode, done, 0, full);
      if (result && i > 0) failovers_.fetch_add(1, std::memory_order_relaxed);
      if (result || result.error() != ClientErrc::NotSent) return result;
    }
    return result;
  }

  const std::vector<std::shared_ptr<Publisher>>& all() const { return publishers_; }
  Publisher& preferred() {
    const std::size_t first = first_choice();
    for (std::size_t i = 0; i < publishers_.size(); ++i) {
      Publisher& publisher = *publishers_[(first + i) % publishers_.size()];
      if (publisher.is_usable()) return publisher;
    }
    return *publishers_[first];
  }

  ProducerStats stats() const {
    ProducerStats stats{.commands = stored_, .failures = failed_, .failovers = failovers_};
    for (const auto& publisher : publishers_) {
      stats.pending += publisher->pending();
      stats.connections += publisher->is_connected() ? 1 : 0;
    }
    return stats;
  }
  void count_failure() { failed_.fetch_add(1, std::memory_order_relaxed); }

 private:
  std::size_t first_choice() {
    if (options_.distribution == Distribution::PrimaryStandby) return 0;
    return turn_.fetch_add(1, std::memory_order_relaxed) % publishers_.size();
  }

  Publisher::Callbacks callbacks(const std::string& address) {
    const auto index = publishers_.size();
    Publisher::Callbacks callbacks;
    callbacks.on_unsent = [weak = weak_from_this(), index](Unsent unsent) {
      if (const auto self = weak.lock()) self->move_on(index, std::move(unsent));
    };
    callbacks.on_answers = [weak = weak_from_this(), address](std::size_t stored,
                                                              std::size_t failed) {
      const auto self = weak.lock();
      if (!self) return;
      self->stored_.fetch_add(stored, std::memory_order_relaxed);
      self->failed_.fetch_add(failed, std::memory_order_relaxed);
      const auto& observer = self->options_.observer.on_answers;
      if (observer) observer(address, stored, failed);
    };
    callbacks.on_connection = [weak = weak_from_this(), address](bool connected) {
      const auto self = weak.lock();
      if (!self) return;
      const auto& observer = self->options_.observer.on_connection;
      if (observer) observer(address, connected);
    };
    return callbacks;
  }

  // What one daemon did not get goes to the next one, at most once round.
  void move_on(std::size_t from, Unsent unsent) {
    Unsent moving(unsent.reason);
    std::vector<client::PendingPublish> failing;
    std::size_t offset = 0;
    for (client::PendingPublish& publish : unsent.publishes) {
      const std::size_t bytes = publish.bytes;
      if (++publish.hops < publishers_.size()) {
        moving.commands.append(unsent.commands, offset, bytes);
        moving.publishes.push_back(std::move(publish));
      } else {
        failing.push_back(std::move(publish));
      }
      offset += bytes;
    }
    fail(failing, unsent.reason);
    for (std::size_t i = 1; i < publishers_.size() && !moving.publishes.empty(); ++i) {
      Publisher& next = *publishers_[(from + i) % publishers_.size()];
      const std::size_t count = moving.publishes.size();
      if (!next.is_usable() || !next.adopt(moving)) continue;
      failovers_.fetch_add(count, std::memory_order_relaxed);
      return;
    }
    fail(moving.publishes, unsent.reason);
  }

  void fail(std::vector<client::PendingPublish>& publishes, const Error& reason) {
    failed_.fetch_add(publishes.size(), std::memory_order_relaxed);
    for (client::PendingPublish& publish : publishes) publish.done(reason);
  }

  const ProducerOptions options_;
  std::vector<std::shared_ptr<Publisher>> publishers_;
  std::atomic<std::size_t> turn_{0};
  std::atomic<std::uint64_t> stored_{0};
  std::atomic<std::uint64_t> failed_{0};
  std::atomic<std::uint64_t> failovers_{0};
};

}  // namespace

class Producer::Impl {
 public:
  Impl(ProducerOptions options, const std::shared_ptr<const client::ConnectionProfile>& profile)
      : io_(IoThread::shared()),
        stop_timeout_(options.config.stop_timeout),
        full_(options.config.fail_when_full ? Publisher::Full::Fail : Publisher::Full::Wait),
        daemons_(std::make_shared<Daemons>(std::move(options))) {
    daemons_->open(io_->loop(), profile);
  }
  ~Impl() { stop(); }

  template <typename Encode>
  PublishResult publish(const Result<void>& valid, const Encode& encode) {
    if (!valid) return valid;
    if (io_->is_current()) return invalid("a publish that waits, within a callback");
    PublishResult result;
    for (std::size_t attempt = 0; attempt < daemons_->all().size(); ++attempt) {
      Waiter waiter;
      PublishCallback done = waiter.callback();
      if (auto queued = daemons_->publish(encode, done, full_); !queued) {
        daemons_->count_failure();
        // What the last daemon said is more to the point than that it is left alone since.
        return result ? queued : result;
      }
      result = waiter.wait();
      if (result || result.error() != ClientErrc::Unavailable) break;
    }
    return result;
  }

  template <typename Encode>
  void publish_async(const Result<void>& valid, const Encode& encode, PublishCallback done) {
    const auto full = io_->is_current() ? Publisher::Full::Fail : full_;
    const auto queued = valid ? daemons_->publish(encode, done, full) : valid;
    if (queued) return;
    daemons_->count_failure();
    done(queued);
  }

  Result<void> ping() {
    if (io_->is_current()) return invalid("a ping that waits, within a callback");
    std::promise<Result<void>> promise;
    asio::co_spawn(io_->loop(), daemons_->preferred().ping(),
                   [&promise](std::exception_ptr thrown, Result<void> result) {
                     if (thrown) {
                       promise.set_exception(thrown);
                     } else {
                       promise.set_value(std::move(result));
                     }
                   });
    return promise.get_future().get();
  }

  ProducerStats stats() const { return daemons_->stats(); }

  void stop() {
    for (const auto& publisher : daemons_->all()) publisher->refuse();
    const auto close = [this] {
      for (const auto& publisher : daemons_->all()) publisher->close();
    };
    if (io_->is_current()) return close();
    const Instant deadline = Instant::now() + stop_timeout_;
    for (const auto& publisher : daemons_->all()) publisher->drain(deadline);
    io_->call(close);
  }

 private:
  const std::shared_ptr<IoThread> io_;
  const Duration stop_timeout_;
  const Publisher::Full full_;
  const std::shared_ptr<Daemons> daemons_;
};

Producer::Producer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Producer::~Producer() = default;
Producer::Producer(Producer&& other) noexcept = default;
Producer& Producer::operator=(Producer&& other) noexcept = default;

Result<Producer> Producer::create(ProducerOptions options) {
  if (options.addresses.empty()) return invalid("no address");
  auto log = std::make_shared<const client::ClientLog>(options.logging, "");
  auto profile = client::make_profile(options.config, std::move(log));
  if (!profile) return profile.error();
  return Producer(std::make_unique<Impl>(std::move(options), *profile));
}

Result<Producer> Producer::create(std::string address, Config config) {
  ProducerOptions options;
  options.addresses.push_back(std::move(address));
  options.config = std::move(config);
  return create(std::move(options));
}

PublishResult Producer::publish(std::string_view topic, std::string_view body) {
  return impl_->publish(check(topic, body),
                        [&](std::string& to) { client::append_pub(to, topic, body); });
}

PublishResult Producer::multi_publish(std::string_view topic,
                                      std::span<const std::string_view> bodies) {
  return impl_->publish(check(topic, bodies),
                        [&](std::string& to) { client::append_mpub(to, topic, bodies); });
}

PublishResult Producer::multi_publish(std::string_view topic, std::span<const std::string> bodies) {
  const std::vector<std::string_view> views(bodies.begin(), bodies.end());
  return multi_publish(topic, views);
}

namespace {
Result<void> check_deferred(std::string_view topic, std::chrono::nanoseconds delay,
                            std::string_view body) {
  if (delay < std::chrono::nanoseconds::zero()) return invalid("negative delay");
  return check(topic, body);
}
}  // namespace

PublishResult Producer::deferred_publish(std::string_view topic, std::chrono::nanoseconds delay,
                                         std::string_view body) {
  return impl_->publish(check_deferred(topic, delay, body),
                        [&](std::string& to) { client::append_dpub(to, topic, delay, body); });
}

void Producer::publish_async(std::string_view topic, std::string_view body, PublishCallback done) {
  impl_->publish_async(
      check(topic, body), [&](std::string& to) { client::append_pub(to, topic, body); },
      std::move(done));
}

void Producer::multi_publish_async(std::string_view topic, std::span<const std::string_view> bodies,
                                   PublishCallback done) {
  impl_->publish_async(
      check(topic, bodies), [&](std::string& to) { client::append_mpub(to, topic, bodies); },
      std::move(done));
}

void Producer::deferred_publish_async(std::string_view topic, std::chrono::nanoseconds delay,
                                      std::string_view body, PublishCallback done) {
  impl_->publish_async(
      check_deferred(topic, delay, body),
      [&](std::string& to) { client::append_dpub(to, topic, delay, body); }, std::move(done));
}

Result<void> Producer::ping() {
  return impl_->ping();
}
ProducerStats Producer::stats() const {
  return impl_->stats();
}
void Producer::stop() {
  impl_->stop();
}

}  // namespace nsq
