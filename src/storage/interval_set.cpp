#include "storage/interval_set.h"

#include <algorithm>

namespace nsq::storage {

IntervalSet::Ranges::const_iterator IntervalSet::first_behind(Index index) const {
  auto it = ranges_.upper_bound(index);
  if (it != ranges_.begin()) {
    const auto before = std::prev(it);
    if (before->second > index) return before;
  }
  return it;
}

void IntervalSet::add(IndexRange range) {
  if (range.empty()) return;
  auto next = ranges_.upper_bound(range.begin);
  if (next != ranges_.begin()) {
    const auto before = std::prev(next);
    if (before->second >= range.end) return;
    if (before->second >= range.begin) {  // grows the range before it, the usual case
      range.begin = before->first;
      next = before;
    }
  }
  // What the new range swallows; the first such range's node serves for it.
  auto kept = ranges_.end();
  while (next != ranges_.end() && next->first <= range.end) {
    range.end = std::max(range.end, next->second);
    count_ -= next->second - next->first;
    if (kept == ranges_.end() && next->first == range.begin) {
      kept = next++;
    } else {
      auto swallowed = next++;
      spare_ = ranges_.extract(swallowed);
    }
  }
  count_ += range.count();
  if (kept != ranges_.end()) {
    kept->second = range.end;
  } else if (!spare_.empty()) {
    spare_.key() = range.begin;
    spare_.mapped() = range.end;
    ranges_.insert(next, std::move(spare_));
    spare_ = {};
  } else {
    ranges_.emplace_hint(next, range.begin, range.end);
  }
}

void IntervalSet::add(const IntervalSet& other) {
  other.for_each([this](IndexRange range) { add(range); });
}

void IntervalSet::erase_below(Index index) {
  while (!ranges_.empty() && ranges_.begin()->first < index) {
    auto node = ranges_.extract(ranges_.begin());
    count_ -= std::min(node.mapped(), index) - node.key();
    if (node.mapped() > index) {
      node.key() = index;
      ranges_.insert(ranges_.begin(), std::move(node));
      return;
    }
    spare_ = std::move(node);
  }
}

void IntervalSet::erase_from(Index index) {
  while (!ranges_.empty()) {
    const auto last = std::prev(ranges_.end());
    if (last->second <= index) return;
    count_ -= last->second - std::max(last->first, index);
    if (last->first < index) {
      last->second = index;
      return;
    }
    ranges_.erase(last);
  }
}

void IntervalSet::clear() {
  ranges_.clear();
  count_ = 0;
}

std::uint64_t IntervalSet::count_in(IndexRange range) const {
  std::uint64_t count = 0;
  for_each(range, [&](IndexRange part) { count += part.count(); });
  return count;
}

Index IntervalSet::next_absent(Index from) const {
  const auto it = first_behind(from);
  return it != ranges_.end() && it->first <= from ? it->second : from;
}

Index IntervalSet::next_present(Index from) const {
  const auto it = first_behind(from);
  return it == ranges_.end() ? kNoIndex : std::max(from, it->first);
}

}  // namespace nsq::storage
