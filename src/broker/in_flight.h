#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/instant.h"
#include "base/min_heap.h"
#include "broker/deliveries.h"
#include "protocol/message_id.h"
#include "storage/record.h"

namespace nsq::broker {

class Subscription;

// To whom messages were handed out together, and until when they may be held.
struct Handover {
  Subscription* holder = nullptr;
  Instant delivered;
  Instant deadline;
  friend bool operator==(const Handover&, const Handover&) = default;
};

// A message some consumer holds and has not yet answered.
struct InFlightMessage {
  storage::Index index = storage::kNoIndex;
  Handover handover;
  Timestamp published;
  std::uint16_t attempts = 0;
};

// The messages of one channel that are in flight.
//
// An id leads straight to its entry: ids end in the message's index, and the table is addressed by
// the index's low bits, so that messages delivered in a row lie in a row. An entry is small: what
// messages handed out together have in common is kept once for all of them, as a lot, and so is
// their deadline. A lot none of whose messages is left is recognised when its time comes, or swept
// out when there are too many.
//
// Threading: confined, with the channel that owns it. No call blocks.
class InFlight {
 public:
  // Requires, of both: no message of the same index is in flight.
  void add(const InFlightMessage& message, protocol::MessageId id);
  // The messages of consecutive indexes, from `first` on.
  void add_row(storage::Index first, std::span<const Delivery> row, const Handover& handover);

  // The message of that id; none if it is not in flight.
  std::optional<InFlightMessage> find(protocol::MessageId id) const;
  // Requires: it is in flight.
  void remove(storage::Index index);
  // Gives the message another deadline. Requires: it is in flight.
  void postpone(storage::Index index, Instant deadline);

  // Removes the messages of consecutive ids from `first` on, as long as `wanted(n)` says yes of the
  // n-th; stops as well at the first that `holder` does not hold, or that only `find` can find.
  // Calls `removed(Timestamp published)` for each; returns their indexes.
  template <typename Wanted, typename Removed>
  storage::IndexRange take_row(protocol::MessageId first, const Subscription* holder, Wanted wanted,
                               Removed removed) {
    storage::IndexRange row{index_in(first), index_in(first)};
    while (wanted(row.count())) {
      const Slot* const slot = find_native(row.end, node_in(first));
      if (slot == nullptr || lots_[slot->lot].handover.holder != holder) break;
      removed(slot->published);
      remove_slot(slot);
      ++row.end;
    }
    return row;
  }

  // Removes and appends to `expired` every message whose deadline is at or before `now`.
  void take_expired(Instant now, std::vector<InFlightMessage>& expired);
  // Removes and appends to `held` every message of that holder. O(in flight).
  void take_held_by(const Subscription* holder, std::vector<InFlightMessage>& held);
  // When take_expired may next have something, perhaps too early, never too late.
  Instant next_deadline() const {
    return deadlines_.empty() ? Instant::never() : deadlines_.top().deadline;
  }

  std::size_t count() const { return count_; }
  void clear();

  template <typename Visit>
  void for_each(Visit visit) const {
    for (const Slot& slot : slots_) {
      if (slot.index != storage::kNoIndex) visit(message_in(slot));
    }
  }

 private:
  // An id's upper bits, the node's, where the lower ones are the index; of other ids kForeign.
  using Node = std::uint16_t;
  static constexpr Node kForeign = 0xffff;
  using LotNumber = std::uint32_t;
  static constexpr LotNumber kNoLot = 0xffffffff;

  struct Slot {
    storage::Index index = storage::kNoIndex;
    Timestamp published;
    LotNumber lot = kNoLot;
    std::uint16_t attempts = 0;
    Node node = 0;
  };
  static_assert(sizeof(Slot) == 24);
  // Messages of consecutive indexes handed out together. One that was touched, or came back and was
  // handed out again, belongs to another lot.
  struct Lot {
    Handover handover;
    storage::Index first = 0;
    std::uint64_t count = 0;  // when handed out
    std::uint64_t left = 0;   // still in flight
  };
  // Lives as long as its lot, which may be empty by then.
  struct Deadline {
    Instant deadline;
    LotNumber lot = kNoLot;
    friend bool operator>(const Deadline& a, const Deadline& b) { return a.deadline > b.deadline; }
  };

  static storage::Index index_in(protocol::MessageId id) { return id.value & storage::kMaxIndex; }
  static Node node_in(protocol::MessageId id) {
    return static_cast<Node>(id.value >> storage::kIndexBits);
  }
  std::size_t home(storage::Index index) const {
    return static_cast<std::size_t>(index) & (slots_.size() - 1);
  }
  // How far the message in an occupied slot stands behind its home.
  std::size_t distance(std::size_t slot) const {
    return (slot - home(slots_[slot].index)) & (slots_.size() - 1);
  }
  const Slot* find_index(storage::Index index) const;
  const Slot* find_native(storage::Index index, Node node) const {
    const Slot* const slot = find_index(index);
    return slot != nullptr && slot->node == node ? slot : nullptr;
  }
  InFlightMessage message_in(const Slot& slot) const;
  Slot slot_for(storage::Index index, protocol::MessageId id, Timestamp published,
                std::uint16_t attempts, LotNumber lot);
  void make_room(std::size_t more);
  void place(Slot slot);
  void remove_slot(const Slot* found);
  void close_gap(std::size_t hole);
  void forget_foreign(storage::Index index);
  LotNumber lot_for(storage::Index first, std::size_t count, const Handover& handover);
  void free_lot(LotNumber lot);
  void sweep_lots();

  // Open addressing, a power of two, at most half full; in the order of the messages' homes (Robin
  // Hood), so that removing from a long row of messages each at its home moves nothing.
  std::vector<Slot> slots_;
  std::size_t count_ = 0;
  std::vector<Lot> lots_;
  std::vector<LotNumber> free_lots_;
  LotNumber open_lot_ = kNoLot;  // the newest, which may still grow
  static constexpr std::size_t kSpareLots = 1024;
  MinHeap<Deadline> deadlines_;  // one for each lot
  std::size_t sweep_at_ = kSpareLots;
  // Ids that do not end in their index, and the reverse.
  std::unordered_map<std::uint64_t, storage::Index> foreign_;
  std::unordered_map<storage::Index, std::uint64_t> foreign_ids_;
};

inline const InFlight::Slot* InFlight::find_index(storage::Index index) const {
  if (count_ == 0) return nullptr;
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = home(index);
  for (std::size_t steps = 0;; ++steps, slot = (slot + 1) & mask) {
    if (slots_[slot].index == index) return &slots_[slot];
    if (slots_[slot].index == storage::kNoIndex || distance(slot) < steps) return nullptr;
  }
}

inline void InFlight::remove_slot(const Slot* found) {
  const auto slot = static_cast<std::size_t>(found - slots_.data());
  if (found->node == kForeign) forget_foreign(found->index);
  --lots_[found->lot].left;
  --count_;
  slots_[slot].index = storage::kNoIndex;
  // Those behind move up by one, as far as they stand behind their homes.
  const std::size_t next = (slot + 1) & (slots_.size() - 1);
  if (slots_[next].index != storage::kNoIndex && distance(next) > 0) close_gap(slot);
}

}  // namespace nsq::broker
