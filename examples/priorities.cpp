// Task queues by priority: a topic each. NSQ delivers every topic as fast as its consumers take it;
// this worker leaves the low one alone while there is anything to do for the high one.
//
//   example_priorities [ADDRESS]
#include <nsq/nsq.h>

#include <array>
#include <atomic>
#include <chrono>
#include <iostream>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "signals.h"

namespace {

using namespace std::chrono_literals;

// One task at a time, whatever its priority.
class Desk {
 public:
  void work(const nsq::Message& task) {
    const std::lock_guard lock(mutex_);
    std::cout << task.topic() << ": " << task.body() << '\n' << std::flush;
  }

 private:
  std::mutex mutex_;
};

}  // namespace

int main(int argc, char** argv) {
  const Signals signals;
  const std::string address = argc > 1 ? argv[1] : "127.0.0.1:4150";
  Desk desk;
  std::atomic<std::int64_t> last_high{0};  // when a high one was worked on, steady nanoseconds
  const auto now = [] { return std::chrono::steady_clock::now().time_since_epoch().count(); };

  nsq::ConsumerOptions high;
  high.topic = "tasks_high";
  high.channel = "workers";
  high.config.max_in_flight = 10;
  high.handler = [&](nsq::Message& task) {
    last_high = now();
    desk.work(task);
    last_high = now();
  };

  nsq::ConsumerOptions low = high;
  low.topic = "tasks_low";
  low.config.max_in_flight = 1;  // what is received early would not wait for high ones
  low.config.max_attempts = 0;   // being put off is no failure
  low.handler = [&](nsq::Message& task) {
    const auto idle = std::chrono::nanoseconds(now() - last_high);
    if (idle < 50ms) {
      // Neutral: it slows nothing down.
      task.requeue(100ms, nsq::Backoff::No);
    } else {
      desk.work(task);
    }
  };

  std::vector<nsq::Consumer> consumers;
  for (const auto& options : {high, low}) {
    auto consumer = nsq::Consumer::create(options);
    const auto connected = consumer ? consumer->connect_to_nsqd(address) : consumer.error();
    if (!connected) {
      std::cerr << connected.error().to_string() << '\n';
      return 1;
    }
    consumers.push_back(std::move(*consumer));
  }
  signals.wait();
  for (auto& consumer : consumers) consumer.stop(nsq::Stop::GiveBack);
}
