#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

namespace nsq {

// Values with the smallest on top. O(log n) push and pop, and a rebuild for callers that delete
// lazily: they leave a value where it is, recognise it as stale when it comes up, and sweep once
// stale values outnumber live ones.
//
// Threading: confined.
template <typename T, typename Greater = std::greater<T>>
class MinHeap {
 public:
  bool empty() const { return values_.empty(); }
  std::size_t size() const { return values_.size(); }
  const T& top() const { return values_.front(); }
  const std::vector<T>& values() const { return values_; }  // in no particular order

  void push(T value) {
    values_.push_back(std::move(value));
    std::push_heap(values_.begin(), values_.end(), Greater());
  }
  T take_top() {
    std::pop_heap(values_.begin(), values_.end(), Greater());
    T value = std::move(values_.back());
    values_.pop_back();
    return value;
  }
  void clear() { values_.clear(); }

  // Removes the values for which `stale` holds. O(n).
  template <typename Predicate>
  void sweep(Predicate stale) {
    std::erase_if(values_, stale);
    std::make_heap(values_.begin(), values_.end(), Greater());
    if (values_.capacity() > 4 * values_.size() + 64) values_.shrink_to_fit();
  }

 private:
  std::vector<T> values_;
};

}  // namespace nsq
