#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/instant.h"
#include "base/mutex.h"
#include "client/delivery.h"
#include "nsq/config.h"

namespace nsq::client {

// What workers and handlers have to say about messages, on its way to the I/O thread, which is
// woken once however much there is.
//
// The answers of one worker's handlers reach the daemon in the order of its messages. Those given
// by other threads do not: one that is given while the handler's turn lasts goes with that turn,
// one given later is announced by itself, and may be announced before a turn that is about to end.
// A daemon takes each answer for itself, so that nobody depends on their order.
//
// Threading: shared. It outlives the consumer in the hands of kept messages; then it drops
// everything.
class Answers {
 public:
  // `wake` makes the I/O thread `take`; any thread may call it.
  Answers(std::string topic, std::string channel, const Config& config, std::function<void()> wake);

  const std::string& topic() const { return topic_; }
  const std::string& channel() const { return channel_; }
  std::int64_t requeue_delay_ms(std::uint16_t attempts) const;

  // A handler's turn with these messages is over.
  void add(Slice slice);
  // One message's timeout is to be restarted.
  void add_touch(Slice message);

  struct Taken {
    std::vector<Slice> slices;
    std::vector<Slice> touches;
  };
  // Replaces the content of `taken`.
  void take(Taken& taken);
  // Nothing is kept or woken from now on.
  void close();

 private:
  void announce(std::vector<Slice> Taken::*list, Slice slice);

  const std::string topic_;
  const std::string channel_;
  const Duration requeue_delay_;
  const Duration max_requeue_delay_;

  Mutex mutex_;
  Taken waiting_ NSQ_GUARDED_BY(mutex_);
  bool is_woken_ NSQ_GUARDED_BY(mutex_) = false;
  bool is_closed_ NSQ_GUARDED_BY(mutex_) = false;
  std::function<void()> wake_;  // never called once closed
};

}  // namespace nsq::client
