#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "nsq/consumer.h"
#include "nsq/producer.h"
#include "utilities/host_pool.h"
#include "utilities/timing_report.h"

namespace nsq::utilities {

// Publishes messages to one of several daemons, and answers each when it is known what became of
// it.
//
// What the source delivered together goes out together, one command for each destination, and many
// are under way at the same time. What a daemon certainly did not store goes to another one, until
// none is left; then, and where nobody can know, the messages are put back at their source. When a
// daemon refuses several messages at once they are published again one by one, so that one it does
// not take does not hold up the others.
//
// Threading: shared.
class Forwarder {
 public:
  struct Options {
    std::vector<std::string> addresses;  // at least one
    PoolMode mode = PoolMode::HostPool;
    Config config;
    Logging logging;
    std::size_t status_every = 0;  // see TimingReport
  };
  // Errors: those of Producer::create.
  static Result<std::unique_ptr<Forwarder>> create(Options options);
  ~Forwarder() { stop(); }
  Forwarder(const Forwarder&) = delete;
  Forwarder& operator=(const Forwarder&) = delete;

  // What is to be published of one message.
  struct Item {
    Message message;
    std::string_view body;  // of the message, or in the `rewritten` of its batch
  };
  // Takes the messages over, whose handler is to answer them no more. Waits when too much is under
  // way to a daemon.
  void forward(const std::string& topic, std::vector<Item> items,
               std::shared_ptr<const std::string> rewritten);

  // Waits for what is under way, as Producer::stop does. What is forwarded later, or waits to be,
  // is put back.
  void stop();

 private:
  // Some messages on their way in one command, or what was one.
  struct Parcel {
    std::string topic;
    std::vector<Item> items;
    std::shared_ptr<const std::string> rewritten;  // keeps bodies alive
    std::size_t destination = 0;
    std::size_t failures = 0;     // destinations that did not store it
    std::size_t next = 0;         // to be published, one by one
    bool has_been_tried = false;  // that one
    Instant begin;
  };
  using ParcelPtr = std::shared_ptr<Parcel>;

  explicit Forwarder(Options options);
  Result<void> open();
  std::vector<std::vector<Item>> sort_by_destination(std::vector<Item> items);
  void send(const ParcelPtr& parcel);
  void on_answer(const ParcelPtr& parcel, const PublishResult& result);
  void try_elsewhere(const ParcelPtr& parcel);
  void send_next(const ParcelPtr& parcel);
  void on_next_answer(const ParcelPtr& parcel, const PublishResult& result);
  void count(std::size_t destination, std::size_t messages, Duration took);

  const Options options_;
  HostPool pool_;
  Mutex mutex_;
  TimingReport all_times_ NSQ_GUARDED_BY(mutex_);
  std::vector<TimingReport> times_ NSQ_GUARDED_BY(mutex_);  // by destination
  std::vector<Producer> producers_;                         // likewise; does not change
};

}  // namespace nsq::utilities
