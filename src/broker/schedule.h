#pragma once

#include <functional>
#include <memory>

#include "base/instant.h"
#include "base/min_heap.h"
#include "base/mutex.h"

namespace nsq::broker {

// Something that has to do things at certain times.
class Timed {
 public:
  virtual ~Timed() = default;
  // Does what is due; returns when to be called next, or never().
  virtual Instant advance(Moment now) = 0;

 private:
  friend class Schedule;
  Instant armed_ = Instant::never();  // guarded by the schedule's lock
};

// Who wants to be called when: one timer for the whole engine, whose cost does not depend on how
// many topics and channels have nothing to do.
//
// Threading: shared. Its lock is the last in the order, and not held while calling anybody.
class Schedule {
 public:
  // `on_earlier` is called, on the thread that armed, when advance() is wanted earlier than it
  // said.
  explicit Schedule(std::function<void(Instant)> on_earlier) : on_earlier_(std::move(on_earlier)) {}

  // Has `timed` called at `at`, or earlier if it was armed for an earlier time.
  void arm(const std::shared_ptr<Timed>& timed, Instant at);

  // Calls those whose time has come; returns when to be called next.
  Instant advance(Moment now);

 private:
  struct Entry {
    Instant at;
    std::weak_ptr<Timed> timed;
    friend bool operator>(const Entry& a, const Entry& b) { return a.at > b.at; }
  };
  std::shared_ptr<Timed> take_due(Instant now);

  const std::function<void(Instant)> on_earlier_;
  Mutex mutex_;
  MinHeap<Entry> entries_ NSQ_GUARDED_BY(mutex_);
  Instant announced_ NSQ_GUARDED_BY(mutex_) =
      Instant::never();  // when advance() is going to be called
};

}  // namespace nsq::broker
