#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <utility>

#include "storage/index.h"

namespace nsq::storage {

// A set of indexes, kept as disjoint ranges: its size is the number of ranges, not of indexes, so
// that what is finished in order costs nothing.
//
// Threading: confined.
class IntervalSet {
 public:
  IntervalSet() = default;
  IntervalSet(const IntervalSet& other) : ranges_(other.ranges_), count_(other.count_) {}
  // What is moved from is empty.
  IntervalSet(IntervalSet&& other) noexcept { *this = std::move(other); }
  IntervalSet& operator=(const IntervalSet& other) { return *this = IntervalSet(other); }
  IntervalSet& operator=(IntervalSet&& other) noexcept {
    ranges_ = std::exchange(other.ranges_, {});
    count_ = std::exchange(other.count_, 0);
    return *this;
  }

  void add(IndexRange range);
  void add(Index index) { add({index, index + 1}); }
  void add(const IntervalSet& other);
  // Forgets everything below `index`.
  void erase_below(Index index);
  // Forgets everything at or above `index`.
  void erase_from(Index index);
  void clear();

  bool empty() const { return ranges_.empty(); }
  std::uint64_t count() const { return count_; }
  std::uint64_t count_in(IndexRange range) const;
  bool contains(Index index) const { return next_absent(index) != index; }
  // The first index at or behind `from` that is not in the set.
  Index next_absent(Index from) const;
  // The first that is in it; kNoIndex if there is none.
  Index next_present(Index from) const;
  // One behind the last index; 0 if the set is empty.
  Index end() const { return ranges_.empty() ? 0 : std::prev(ranges_.end())->second; }

  std::size_t range_count() const { return ranges_.size(); }
  // Calls `visit(IndexRange)` for each range, cut to `within`, in order.
  template <typename Visit>
  void for_each(IndexRange within, Visit visit) const {
    for (auto it = first_behind(within.begin); it != ranges_.end() && it->first < within.end;
         ++it) {
      const IndexRange cut{std::max(it->first, within.begin), std::min(it->second, within.end)};
      if (!cut.empty()) visit(cut);
    }
  }
  template <typename Visit>
  void for_each(Visit visit) const {
    for (const auto& [begin, end] : ranges_) visit(IndexRange{begin, end});
  }

 private:
  using Ranges = std::map<Index, Index>;  // begin -> end; neither overlapping nor touching

  // The first range that ends behind `index`.
  Ranges::const_iterator first_behind(Index index) const;

  Ranges ranges_;
  std::uint64_t count_ = 0;
  // A node of a range that was merged away, for the next new one: sets that breathe do not
  // allocate.
  Ranges::node_type spare_;
};

}  // namespace nsq::storage
