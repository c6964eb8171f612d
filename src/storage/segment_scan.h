#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/instant.h"
#include "nsq/result.h"
#include "storage/file_system.h"
#include "storage/index.h"
#include "storage/record.h"

namespace nsq::storage {

// What of a segment's file is to be read after a crash, and how it is to be judged.
struct ScanRange {
  std::uint64_t offset = 0;  // a record's, or the header's end
  std::uint64_t size = 0;    // of the file
  IndexRange indexes;        // what the segment can hold, from the offset on
  // Records below this index were synced: what is missing among them is damage. From here on it may
  // be a crash's work, which leaves all of a batch or nothing.
  Index settled = 0;
};

// What was found.
struct ScanResult {
  std::uint64_t sound_bytes = 0;                      // where the last accepted record ends
  Index end = 0;                                      // one behind its index; 0: there is none
  std::uint64_t records = 0;                          // accepted
  std::uint64_t damaged = 0;                          // places passed over
  std::vector<std::pair<Index, Timestamp>> deferred;  // accepted records with a due time
  std::vector<IndexRange> gaps;                       // indexes no accepted record has
  struct Bytes {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
  };
  // Where records of incomplete batches stand between accepted ones: must be made unreadable.
  std::vector<Bytes> leftovers;
};

// Reads a segment's records, to find out which of them are to be kept. Blocks. Errors: I/O.
Result<ScanResult> scan_segment(File& file, const LogIdentity& identity, const ScanRange& range);

}  // namespace nsq::storage
