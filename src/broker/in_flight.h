#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "base/instant.h"
#include "base/min_heap.h"
#include "protocol/message_id.h"
#include "storage/index.h"

namespace nsq::broker {

class Subscription;

// A message some consumer holds and has not yet answered.
struct InFlightMessage {
  storage::Index index = storage::kNoIndex;
  protocol::MessageId id{};
  Subscription* holder = nullptr;
  Instant deadline;
  Instant delivered;
  Timestamp published;
  std::uint16_t attempts = 0;
};

// The messages of one channel that are in flight.
//
// An id leads straight to its entry: ids end in the message's index, and the table is addressed by
// the index's low bits, so that messages delivered in a row lie in a row. Deadlines are kept per
// run of messages delivered together, which makes them cheap for batches; a run none of whose
// messages is left is recognised when its time comes, or swept out when there are too many.
//
// Threading: confined, with the channel that owns it. No call blocks.
class InFlight {
 public:
  // Requires: no message of the same index is in flight.
  void add(const InFlightMessage& message);
  // The message of that id, for the caller to look at; null if it is not in flight. Valid until the
  // next call that is not const.
  const InFlightMessage* find(protocol::MessageId id) const;
  // Requires: it is in flight.
  void remove(storage::Index index);
  // Gives the message another deadline. Requires: it is in flight.
  void postpone(storage::Index index, Instant deadline);

  // Removes and appends to `expired` every message whose deadline is at or before `now`.
  void take_expired(Instant now, std::vector<InFlightMessage>& expired);
  // Removes and appends to `held` every message of that holder. O(in flight).
  void take_held_by(const Subscription* holder, std::vector<InFlightMessage>& held);
  // When take_expired may next have something, perhaps too early, never too late.
  Instant next_deadline() const;

  std::size_t count() const { return count_; }
  void clear();

  template <typename Visit>
  void for_each(Visit visit) const {
    for (const InFlightMessage& slot : slots_) {
      if (slot.index != storage::kNoIndex) visit(slot);
    }
  }

 private:
  // Messages of consecutive indexes that were given the same deadline.
  struct Run {
    Instant deadline;
    storage::Index first = 0;
    std::uint64_t count = 0;
    friend bool operator>(const Run& a, const Run& b) { return a.deadline > b.deadline; }
  };

  std::size_t home(storage::Index index) const {
    return static_cast<std::size_t>(index) & (slots_.size() - 1);
  }
  // How far the message in an occupied slot stands behind its home.
  std::size_t distance(std::size_t slot) const;
  const InFlightMessage* find_index(storage::Index index) const;
  void place(InFlightMessage message);
  void grow();
  void note_deadline(storage::Index index, Instant deadline);
  bool is_stale(const Run& run) const;

  // Open addressing, a power of two, at most half full; in the order of the messages' homes (Robin
  // Hood), so that removing from a long row of messages each at its home moves nothing.
  std::vector<InFlightMessage> slots_;
  std::size_t count_ = 0;
  static constexpr std::size_t kSpareRuns = 1024;
  MinHeap<Run> runs_;
  std::size_t sweep_at_ = kSpareRuns;
  Run open_run_;  // the newest run, still growing; count 0 if there is none
  std::unordered_map<std::uint64_t, storage::Index> foreign_;  // ids that do not end in their index
};

}  // namespace nsq::broker
