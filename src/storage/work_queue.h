#pragma once

#include <functional>

namespace nsq::storage {

// Where work that may wait for a disk is sent, so that no event loop ever does. The daemon serves
// each lane with threads of its own; a simulation runs the work when it pleases.
class WorkQueue {
 public:
  // Lanes are independent: a long sync does not hold up a read.
  enum class Lane {
    Read,        // cold reads, which a consumer waits for
    Journal,     // journal writes
    Write,       // messages of topics whose writes would make an event loop wait
    Sync,        // fdatasync
    Background,  // removal and rewriting of segments and journals
    Metadata,    // nsqd.dat, which is synced: the journals do not wait for that
  };

  virtual ~WorkQueue() = default;

  // Work of one lane runs in the order it was submitted, one at a time, never inside `submit`;
  // except that several writes, and several syncs, may run at once.
  virtual void submit(Lane lane, std::function<void()> work) = 0;
};

}  // namespace nsq::storage
