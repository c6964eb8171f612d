#include "broker/in_flight.h"

#include "base/assert.h"
#include "storage/record.h"

namespace nsq::broker {
namespace {

constexpr std::size_t kSmallestTable = 16;

storage::Index index_in(protocol::MessageId id) {
  return id.value & storage::kMaxIndex;
}

}  // namespace

std::size_t InFlight::distance(std::size_t slot) const {
  return (slot - home(slots_[slot].index)) & (slots_.size() - 1);
}

const InFlightMessage* InFlight::find_index(storage::Index index) const {
  if (count_ == 0) return nullptr;
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = home(index);
  for (std::size_t steps = 0;; ++steps, slot = (slot + 1) & mask) {
    if (slots_[slot].index == index) return &slots_[slot];
    if (slots_[slot].index == storage::kNoIndex || distance(slot) < steps) return nullptr;
  }
}

void InFlight::place(InFlightMessage message) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = home(message.index);
  for (std::size_t steps = 0; slots_[slot].index != storage::kNoIndex;
       ++steps, slot = (slot + 1) & mask) {
    const std::size_t there = distance(slot);
    if (there >= steps) continue;
    std::swap(message, slots_[slot]);
    steps = there;
  }
  slots_[slot] = message;
}

void InFlight::grow() {
  std::vector<InFlightMessage> old(std::max(kSmallestTable, slots_.size() * 2));
  old.swap(slots_);
  for (const InFlightMessage& message : old) {
    if (message.index != storage::kNoIndex) place(message);
  }
}

void InFlight::add(const InFlightMessage& message) {
  NSQ_ASSERT(find_index(message.index) == nullptr);
  if (2 * (count_ + 1) > slots_.size()) grow();
  place(message);
  ++count_;
  if (index_in(message.id) != message.index) foreign_[message.id.value] = message.index;
  note_deadline(message.index, message.deadline);
}

const InFlightMessage* InFlight::find(protocol::MessageId id) const {
  const InFlightMessage* const message = find_index(index_in(id));
  if (message != nullptr && message->id.value == id.value) return message;
  if (foreign_.empty()) return nullptr;
  const auto found = foreign_.find(id.value);
  return found == foreign_.end() ? nullptr : find_index(found->second);
}

void InFlight::remove(storage::Index index) {
  const InFlightMessage* const found = find_index(index);
  NSQ_ASSERT(found != nullptr);
  // Of two messages with one id, which only others' ids can be, the entry is the later one's.
  if (const auto entry = foreign_.find(found->id.value);
      entry != foreign_.end() && entry->second == index) {
    foreign_.erase(entry);
  }
  --count_;
  // Those behind move up by one, as far as they stand behind their homes.
  const std::size_t mask = slots_.size() - 1;
  auto hole = static_cast<std::size_t>(found - slots_.data());
  for (std::size_t next = (hole + 1) & mask;
       slots_[next].index != storage::kNoIndex && distance(next) > 0; next = (next + 1) & mask) {
    slots_[hole] = slots_[next];
    hole = next;
  }
  slots_[hole].index = storage::kNoIndex;
}

void InFlight::postpone(storage::Index index, Instant deadline) {
  const InFlightMessage* const found = find_index(index);
  NSQ_ASSERT(found != nullptr);
  slots_[static_cast<std::size_t>(found - slots_.data())].deadline = deadline;
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
  if (runs_.size() < sweep_at_) return;
  runs_.sweep([this](const Run& run) { return is_stale(run); });
  // Not sooner than there are twice as many, so that the cost per message stays the same.
  sweep_at_ = 2 * runs_.size() + kSpareRuns;
}

bool InFlight::is_stale(const Run& run) const {
  for (storage::Index index = run.first; index < run.first + run.count; ++index) {
    const InFlightMessage* const message = find_index(index);
    if (message != nullptr && message->deadline == run.deadline) return false;
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
    for (storage::Index index = run.first; index < run.first + run.count; ++index) {
      const InFlightMessage* const message = find_index(index);
      if (message == nullptr || message->deadline != run.deadline) continue;
      expired.push_back(*message);
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
  sweep_at_ = kSpareRuns;
  open_run_ = {};
  foreign_.clear();
}

}  // namespace nsq::broker
