#include "broker/in_flight.h"

#include <algorithm>

#include "base/assert.h"

namespace nsq::broker {
namespace {

constexpr std::size_t kSmallestTable = 16;

}  // namespace

// --- the table ---------------------------------------------------------------------------------

InFlightMessage InFlight::message_in(const Slot& slot) const {
  return {slot.index, lots_[slot.lot].handover, slot.published, slot.attempts};
}

InFlight::Slot InFlight::slot_for(storage::Index index, protocol::MessageId id, Timestamp published,
                                  std::uint16_t attempts, LotNumber lot) {
  Slot slot{index, published, lot, attempts, node_in(id)};
  if (index_in(id) != index) {
    slot.node = kForeign;
    foreign_[id.value] = index;
    foreign_ids_[index] = id.value;
  }
  return slot;
}

void InFlight::make_room(std::size_t more) {
  std::size_t size = std::max(kSmallestTable, slots_.size());
  while (2 * (count_ + more) > size) size *= 2;
  if (size == slots_.size()) return;
  std::vector<Slot> old(size);
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.index != storage::kNoIndex) place(slot);
  }
}

void InFlight::place(Slot moving) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = home(moving.index);
  for (std::size_t steps = 0; slots_[slot].index != storage::kNoIndex;
       ++steps, slot = (slot + 1) & mask) {
    NSQ_ASSERT(slots_[slot].index != moving.index);
    const std::size_t there = distance(slot);
    if (there >= steps) continue;
    std::swap(moving, slots_[slot]);
    steps = there;
  }
  slots_[slot] = moving;
}

void InFlight::close_gap(std::size_t hole) {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t next = (hole + 1) & mask;
       slots_[next].index != storage::kNoIndex && distance(next) > 0; next = (next + 1) & mask) {
    slots_[hole] = slots_[next];
    hole = next;
  }
  slots_[hole].index = storage::kNoIndex;
}

// Of two messages with one id, which only others' ids can be, the entry is the later one's.
void InFlight::forget_foreign(storage::Index index) {
  const auto id = foreign_ids_.find(index);
  const auto entry = foreign_.find(id->second);
  if (entry != foreign_.end() && entry->second == index) foreign_.erase(entry);
  foreign_ids_.erase(id);
}

// --- messages ----------------------------------------------------------------------------------

void InFlight::add(const InFlightMessage& message, protocol::MessageId id) {
  make_room(1);
  place(slot_for(message.index, id, message.published, message.attempts,
                 lot_for(message.index, 1, message.handover)));
  ++count_;
}

void InFlight::add_row(storage::Index first, std::span<const Delivery> row,
                       const Handover& handover) {
  if (row.empty()) return;
  make_room(row.size());
  const LotNumber lot = lot_for(first, row.size(), handover);
  storage::Index index = first;
  for (const Delivery& message : row) {
    const Slot slot = slot_for(index, message.id, message.timestamp, message.attempts, lot);
    Slot& there = slots_[home(index++)];
    if (there.index == storage::kNoIndex) {
      there = slot;
    } else {
      place(slot);
    }
  }
  count_ += row.size();
}

std::optional<InFlightMessage> InFlight::find(protocol::MessageId id) const {
  if (const Slot* const slot = find_native(index_in(id), node_in(id))) return message_in(*slot);
  const auto found = foreign_.find(id.value);
  if (found == foreign_.end()) return std::nullopt;
  return message_in(*find_index(found->second));
}

void InFlight::remove(storage::Index index) {
  const Slot* const slot = find_index(index);
  NSQ_ASSERT(slot != nullptr);
  remove_slot(slot);
}

void InFlight::postpone(storage::Index index, Instant deadline) {
  const Slot* const found = find_index(index);
  NSQ_ASSERT(found != nullptr);
  Slot& slot = slots_[static_cast<std::size_t>(found - slots_.data())];
  Handover handover = lots_[slot.lot].handover;
  handover.deadline = deadline;
  --lots_[slot.lot].left;
  slot.lot = lot_for(index, 1, handover);
}

void InFlight::take_expired(Instant now, std::vector<InFlightMessage>& expired) {
  while (!deadlines_.empty() && deadlines_.top().deadline <= now) {
    const LotNumber number = deadlines_.take_top().lot;
    const Lot lot = lots_[number];
    for (storage::Index index = lot.first; lots_[number].left > 0; ++index) {
      NSQ_ASSERT(index < lot.first + lot.count);
      const Slot* const slot = find_index(index);
      if (slot == nullptr || slot->lot != number) continue;
      expired.push_back(message_in(*slot));
      remove_slot(slot);
    }
    free_lot(number);
  }
}

void InFlight::take_held_by(const Subscription* holder, std::vector<InFlightMessage>& held) {
  const std::size_t before = held.size();
  for_each([&](const InFlightMessage& message) {
    if (message.handover.holder == holder) held.push_back(message);
  });
  for (std::size_t i = before; i < held.size(); ++i) remove(held[i].index);
  if (count_ == 0) clear();
}

void InFlight::clear() {
  *this = {};
}

// --- lots --------------------------------------------------------------------------------------

// The lot of messages handed out so: the newest one, if they continue it.
InFlight::LotNumber InFlight::lot_for(storage::Index first, std::size_t count,
                                      const Handover& handover) {
  if (open_lot_ != kNoLot) {
    Lot& open = lots_[open_lot_];
    if (open.first + open.count == first && open.handover == handover) {
      open.count += count;
      open.left += count;
      return open_lot_;
    }
  }
  if (deadlines_.size() >= sweep_at_) sweep_lots();
  if (free_lots_.empty()) {
    free_lots_.push_back(static_cast<LotNumber>(lots_.size()));
    lots_.emplace_back();
  }
  open_lot_ = free_lots_.back();
  free_lots_.pop_back();
  lots_[open_lot_] = {handover, first, count, count};
  deadlines_.push({handover.deadline, open_lot_});
  return open_lot_;
}

void InFlight::free_lot(LotNumber lot) {
  if (open_lot_ == lot) open_lot_ = kNoLot;
  free_lots_.push_back(lot);
}

void InFlight::sweep_lots() {
  deadlines_.sweep([this](const Deadline& deadline) {
    if (lots_[deadline.lot].left > 0) return false;
    free_lot(deadline.lot);
    return true;
  });
  // Not sooner than there are twice as many, so that the cost per message stays the same.
  sweep_at_ = 2 * deadlines_.size() + kSpareLots;
}

}  // namespace nsq::broker
