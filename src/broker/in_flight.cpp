#include "broker/in_flight.h"

#include "base/assert.h"
#include "storage/record.h"

namespace nsq::broker {
namespace {

constexpr std::size_t kSmallestTable = 16;
constexpr std::size_t kSpareRuns = 1024;

storage::Index index_in(protocol::MessageId id) {
  return id.value & storage::kMaxIndex;
}

}  // namespace

std::size_t InFlight::slot_of(storage::Index index) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = static_cast<std::size_t>(index) & mask;
  while (slots_[slot].index != index && slots_[slot].index != storage::kNoIndex) {
    slot = (slot + 1) & mask;
  }
  return slot;
}

void InFlight::grow() {
  std::vector<InFlightMessage> old(std::max(kSmallestTable, slots_.size() * 2));
  old.swap(slots_);
  for (const InFlightMessage& message : old) {
    if (message.index != storage::kNoIndex) slots_[slot_of(message.index)] = message;
  }
}

void InFlight::add(const InFlightMessage& message) {
  if (2 * (count_ + 1) > slots_.size()) grow();
  InFlightMessage& slot = slots_[slot_of(message.index)];
  NSQ_ASSERT(slot.index == storage::kNoIndex);
  slot = message;
  ++count_;
  if (index_in(message.id) != message.index) foreign_[message.id.value] = message.index;
  note_deadline(message.index, message.deadline);
}

const InFlightMessage* InFlight::find(protocol::MessageId id) const {
  if (count_ == 0) return nullptr;
  const InFlightMessage& slot = slots_[slot_of(index_in(id))];
  if (slot.index != storage::kNoIndex && slot.id.value == id.value) return &slot;
  if (foreign_.empty()) return nullptr;
  const auto found = foreign_.find(id.value);
  return found == foreign_.end() ? nullptr : &slots_[slot_of(found->second)];
}

void InFlight::remove(storage::Index index) {
  std::size_t hole = slot_of(index);
  NSQ_ASSERT(slots_[hole].index == index);
  if (!foreign_.empty()) foreign_.erase(slots_[hole].id.value);
  --count_;
  // Close the gap, so that no search stops early: move up whatever may stand that far forward.
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t next = (hole + 1) & mask; slots_[next].index != storage::kNoIndex;
       next = (next + 1) & mask) {
    const std::size_t home = static_cast<std::size_t>(slots_[next].index) & mask;
    if (((next - home) & mask) < ((next - hole) & mask)) continue;
    slots_[hole] = slots_[next];
    hole = next;
  }
  slots_[hole].index = storage::kNoIndex;
}

void InFlight::postpone(storage::Index index, Instant deadline) {
  InFlightMessage& slot = slots_[slot_of(index)];
  NSQ_ASSERT(slot.index == index);
  slot.deadline = deadline;
  note_deadline(index, deadline);
}

void InFlight::note_deadline(storage::Index index, Instant deadline) {
  if (open_run_.count > 0 && open_run_.deadline == deadline &&
      open_run_.first + open_run_.count == index) {
    ++open_run_.count;
    return;
  }
  if (open_run_.count > 0) runs_.push(open_run_);
  open_run_ = {deadline, index, 1};
  if (runs_.size() > 2 * count_ + kSpareRuns) {
    runs_.sweep([this](const Run& run) { return is_stale(run); });
  }
}

bool InFlight::is_stale(const Run& run) const {
  for (storage::Index index = run.first; index < run.first + run.count; ++index) {
    const InFlightMessage& slot = slots_[slot_of(index)];
    if (slot.index == index && slot.deadline == run.deadline) return false;
  }
  return true;
}

void InFlight::take_expired(Instant now, std::vector<InFlightMessage>& expired) {
  if (open_run_.count > 0 && open_run_.deadline <= now) {
    runs_.push(open_run_);
    open_run_.count = 0;
  }
  while (!runs_.empty() && runs_.top().deadline <= now) {
    const Run run = runs_.take_top();
    if (slots_.empty()) continue;
    for (storage::Index index = run.first; index < run.first + run.count; ++index) {
      const InFlightMessage& slot = slots_[slot_of(index)];
      if (slot.index != index || slot.deadline != run.deadline) continue;
      expired.push_back(slot);
      remove(index);
    }
  }
}

void InFlight::take_held_by(const Subscription* holder, std::vector<InFlightMessage>& held) {
  const std::size_t before = held.size();
  for_each([&](const InFlightMessage& message) {
    if (message.holder == holder) held.push_back(message);
  });
  for (std::size_t i = before; i < held.size(); ++i) remove(held[i].index);
  if (count_ == 0) clear();
}

Instant InFlight::next_deadline() const {
  Instant next = Instant::never();
  if (open_run_.count > 0) next = open_run_.deadline;
  if (!runs_.empty()) next = std::min(next, runs_.top().deadline);
  return next;
}

void InFlight::clear() {
  slots_ = {};
  count_ = 0;
  runs_ = {};
  open_run_ = {};
  foreign_.clear();
}

}  // namespace nsq::broker
