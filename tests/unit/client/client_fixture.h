#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "nsq/consumer.h"
#include "nsq/producer.h"
#include "support/catch.h"
#include "support/fake_daemon.h"

// What the tests of consumers and producers share.
namespace nsq::test {

using Lines = std::vector<std::string>;
inline constexpr const char* kId = "0123456789abcdef";

inline std::string fin(const std::string& id = kId) {
  return "FIN " + id;
}
inline std::string req(const std::string& delay_ms, const std::string& id = kId) {
  return "REQ " + id + " " + delay_ms;
}
inline void append(Lines& to, const Lines& lines) {
  to.insert(to.end(), lines.begin(), lines.end());
}

// Short times, so that nobody waits for long; no lines on standard error.
inline Config quick_config() {
  Config config;
  config.client_id = "me";
  config.max_in_flight = 10;
  config.reconnect_delay = std::chrono::milliseconds(5);
  config.lookupd_poll_interval = std::chrono::milliseconds(100);
  config.default_requeue_delay = std::chrono::nanoseconds(0);
  config.backoff_multiplier = std::chrono::milliseconds(1);
  config.stop_timeout = std::chrono::seconds(5);
  return config;
}

// Notes lines from any thread and waits for them.
class Notes {
 public:
  void add(std::string line) {
    const std::lock_guard lock(mutex_);
    lines_.push_back(std::move(line));
    changed_.notify_all();
  }
  Lines all() {
    const std::lock_guard lock(mutex_);
    return lines_;
  }
  bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10),
                             [&] { return lines_.size() >= count; });
  }
  bool wait_for_text(const std::string& text) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] {
      for (const std::string& line : lines_) {
        if (line.find(text) != std::string::npos) return true;
      }
      return false;
    });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  Lines lines_;
};

// A consumer of t/c that notes bodies and log lines.
struct ConsumerFixture {
  Notes bodies;
  Notes log;
  ConsumerOptions options;
  std::optional<Consumer> consumer;

  ConsumerFixture() {
    options.topic = "t";
    options.channel = "c";
    options.config = quick_config();
    options.logging = {.level = LogLevel::Info, .sink = [this](LogLevel, std::string_view line) {
                         log.add(std::string(line));
                       }};
    options.handler = [this](Message& message) { bodies.add(std::string(message.body())); };
  }

  // Calls `function` after the body is noted.
  template <typename Function>
  void handle(Function function) {
    options.handler = [this, function](Message& message) -> Result<void> {
      bodies.add(std::string(message.body()));
      return function(message);
    };
  }
  Consumer& make() {
    auto made = Consumer::create(options);
    REQUIRE(made);
    consumer.emplace(std::move(*made));
    return *consumer;
  }
  Consumer& connect(const std::string& address) {
    make();
    REQUIRE(consumer->connect_to_nsqd(address));
    return *consumer;
  }
  void stop() {
    consumer->stop();
    CHECK(consumer->wait_for(std::chrono::seconds(10)));
  }
};

}  // namespace nsq::test
