#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "nsq/result.h"
#include "storage/file_system.h"
#include "storage/record.h"

namespace nsq::storage {

// Where in a file to look for a record.
struct SearchRange {
  std::uint64_t from = 0;    // it starts here or behind,
  std::uint64_t before = 0;  // before this,
  std::uint64_t limit = 0;   // and ends before or at this
};

struct FoundRecord {
  std::uint64_t offset = 0;
  Index index = 0;
};

// The first undamaged record in that range whose index is plausible. Reads little if it is near.
// Errors: I/O.
Result<std::optional<FoundRecord>> search_record(File& file, SearchRange range,
                                                 IndexRange plausible, const LogIdentity& identity);

// A segment's records one after the other, from a given place on; damage is passed over.
//
// Threading: confined. Blocks on the disk.
class RecordStream {
 public:
  struct Item {
    std::uint64_t offset = 0;
    std::uint64_t end = 0;
    Record record;               // valid until the next call
    bool behind_damage = false;  // bytes that are no record were passed over to get here
  };

  // Reads the file's bytes from `offset` up to `size`.
  RecordStream(File& file, const LogIdentity& identity, std::uint64_t offset, std::uint64_t size);

  // The next record with a plausible index; none if there is no more. Errors: I/O.
  Result<std::optional<Item>> next(IndexRange plausible);

 private:
  Result<void> refill(std::uint64_t offset, std::size_t bytes);

  File& file_;
  const LogIdentity identity_;
  const std::uint64_t size_;
  std::uint64_t position_;
  std::uint64_t buffer_offset_ = 0;  // where in the file the buffer starts
  std::vector<char> buffer_;
};

}  // namespace nsq::storage
