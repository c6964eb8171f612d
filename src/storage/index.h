#pragma once

#include <cstdint>
#include <limits>

namespace nsq::storage {

// A message's place in its topic's log. Grows by one per message; gaps are allowed (a restart after
// a crash skips ahead, see message_log.h), order is not.
using Index = std::uint64_t;
inline constexpr Index kNoIndex = std::numeric_limits<Index>::max();

// Half-open: begin <= index < end.
struct IndexRange {
  Index begin = 0;
  Index end = 0;

  bool empty() const { return begin >= end; }
  std::uint64_t count() const { return empty() ? 0 : end - begin; }
  friend bool operator==(const IndexRange&, const IndexRange&) = default;
};

}  // namespace nsq::storage
