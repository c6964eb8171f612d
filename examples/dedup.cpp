// Does the work of each message once, although it may be delivered several times:
//
//   example_dedup [ADDRESS [TOPIC]]
//
// A message keeps its id when it is delivered again. The id is remembered after the work is done: a
// crash in between means doing it twice, never not at all. Whoever must not even do that keeps the
// ids where the work is, in the same transaction. A message published twice has two ids; for those
// put a key of your own into the body.
#include <nsq/nsq.h>

#include <deque>
#include <iostream>
#include <mutex>
#include <string>
#include <unordered_set>

#include "signals.h"

namespace {

// The ids of the latest messages. Ids are unique per daemon, so the address is a part of the key.
class Seen {
 public:
  static std::string key(const nsq::Message& message) {
    return message.nsqd_address() + "/" + std::string(message.id());
  }
  bool contains(const std::string& key) {
    const std::lock_guard lock(mutex_);
    return keys_.contains(key);
  }
  void add(const std::string& key) {
    const std::lock_guard lock(mutex_);
    if (!keys_.insert(key).second) return;
    in_order_.push_back(key);
    if (in_order_.size() <= kMost) return;
    keys_.erase(in_order_.front());
    in_order_.pop_front();
  }

 private:
  static constexpr std::size_t kMost = 1'000'000;
  std::mutex mutex_;
  std::unordered_set<std::string> keys_;
  std::deque<std::string> in_order_;
};

}  // namespace

int main(int argc, char** argv) {
  const Signals signals;
  Seen seen;
  nsq::ConsumerOptions options;
  options.topic = argc > 2 ? argv[2] : "payments";
  options.channel = "example";
  options.config.max_in_flight = 100;
  options.config.max_attempts = 0;
  options.handler = [&](nsq::Message& message) -> nsq::Result<void> {
    const std::string key = Seen::key(message);
    if (seen.contains(key)) {
      std::cout << "again: " << message.body() << '\n' << std::flush;
      return {};
    }
    std::cout << "paid: " << message.body() << '\n' << std::flush;
    seen.add(key);
    // As if the answer had been lost: the message comes again.
    if (message.body() == "unlucky") message.requeue(std::chrono::nanoseconds(0), nsq::Backoff::No);
    return {};
  };
  auto consumer = nsq::Consumer::create(std::move(options));
  const auto connected = consumer ? consumer->connect_to_nsqd(argc > 1 ? argv[1] : "127.0.0.1:4150")
                                  : consumer.error();
  if (!connected) {
    std::cerr << connected.error().to_string() << '\n';
    return 1;
  }
  signals.wait();
}
