#pragma once

#include <string>

#include "nsq/result.h"
#include "storage/file_system.h"
#include "storage/interval_set.h"
#include "storage/segment.h"

namespace nsq::storage {

struct SegmentCopy {
  std::uint64_t bytes = 0;
  std::uint64_t records = 0;
  std::uint64_t damaged = 0;  // places that could not be read
};

// Writes those of a segment's records that are in `keep` to the file `to`, as a sealed segment, and
// syncs it. Blocks. Errors: I/O; the file is removed then.
Result<SegmentCopy> copy_segment(FileSystem& files, Segment& from, Segment::Extent extent,
                                 const IntervalSet& keep, const std::string& to);

}  // namespace nsq::storage
