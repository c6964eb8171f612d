#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/instant.h"
#include "storage/index.h"

// The log's format on disk, version 1; docs/log_format.md has a worked example. Integers are
// little-endian. To change it: raise kFormatVersion, keep reading the older versions, and add the
// new layout to the page and to its test.
namespace nsq::storage {

inline constexpr std::uint32_t kFormatVersion = 1;

// A segment starts with this header:
//   0  6  "NSQLOG"
//   6  2  flags: 1 = sealed, see SegmentHeader
//   8  4  format version
//  12  4  node id, the top ten bits of the ids of the records written by this process
//  16  8  seed of the checksums; the same in all segments of a log, random from log to log, so that
//         no message body can pass for a record
//  24  8  checksum: XXH3-64, with the seed, of the 24 bytes before
inline constexpr std::size_t kSegmentHeaderBytes = 32;

// A record; its checksums are the low halves of XXH3-64 with the log's seed. The header has one of
// its own, so that a damaged length is never followed and a record can be recognised by its first
// bytes alone.
//   0  4  checksum of everything behind it, the body included
//   4  4  checksum of bytes 8 to 31
//   8  4  body length in bytes
//  12  2  flags
//  14  2  0x4d52 ("RM"), to find records again behind damage
//  16  8  index
//  24  8  publish time, nanoseconds since the Unix epoch
//  32  8  message id              only with kForeignId; otherwise node id << 54 | index
//      8  due time, nanoseconds   only with kDeferred
//      n  body
inline constexpr std::size_t kRecordHeaderBytes = 32;
namespace record_layout {
inline constexpr std::size_t kHeaderChecksumAt = 4;
inline constexpr std::size_t kLengthAt = 8;
inline constexpr std::size_t kFlagsAt = 12;
inline constexpr std::size_t kMarkAt = 14;
inline constexpr std::size_t kIndexAt = 16;
inline constexpr std::size_t kTimestampAt = 24;
static_assert(kTimestampAt + 8 == kRecordHeaderBytes);
}  // namespace record_layout
inline constexpr std::uint16_t kRecordMark = 0x4d52;
inline constexpr unsigned kIndexBits = 54;
inline constexpr std::uint64_t kMaxIndex = (std::uint64_t{1} << kIndexBits) - 1;

enum RecordFlags : std::uint16_t {
  kForeignId = 1,    // the id is stored
  kDeferred = 2,     // a due time is stored
  kBatchGoesOn = 4,  // the next record, with the next index, belongs to the same batch
  kInBatch = 8,      // the record before belongs to the same batch
};
inline constexpr std::uint16_t kKnownFlags = kForeignId | kDeferred | kBatchGoesOn | kInBatch;

// A message as the log keeps it. `body` points to where it was read from.
struct Record {
  Index index = 0;
  std::uint64_t id = 0;
  Timestamp timestamp;
  Timestamp due;               // 0: at once
  std::string_view body;       // shorter than 4 GiB
  bool batch_goes_on = false;  // see RecordFlags
  bool in_batch = false;
};

// What a reader and a writer of one log must agree on.
struct LogIdentity {
  std::uint64_t seed = 0;
  std::uint32_t node_id = 0;
};

constexpr std::uint64_t native_id(std::uint32_t node_id, Index index) {
  return std::uint64_t{node_id} << kIndexBits | (index & kMaxIndex);
}

std::size_t encoded_bytes(const Record& record, std::uint32_t node_id);
// Writes encoded_bytes() bytes; returns where they end.
char* encode_record(char* to, const Record& record, const LogIdentity& identity);

// The record at the start of `bytes`.
struct ParsedRecord {
  enum class Status {
    Complete,
    Cut,  // more bytes are needed than there are: `size` says how many, the header being sound or
          // itself cut
    Bad,  // these are not the first bytes of an undamaged record
  };
  Status status = Status::Bad;
  std::size_t size = 0;
  Record record;
};
ParsedRecord parse_record(std::string_view bytes, const LogIdentity& identity);

// Reads a record that is known to be whole, as those of a Chunk are. No checks.
inline Record view_record(const char* at, std::uint32_t node_id) {
  using namespace record_layout;
  Record record;
  const auto flags = load_little<std::uint16_t>(at + kFlagsAt);
  record.index = load_little<std::uint64_t>(at + kIndexAt);
  record.timestamp = Timestamp{load_little<std::int64_t>(at + kTimestampAt)};
  record.batch_goes_on = (flags & kBatchGoesOn) != 0;
  record.in_batch = (flags & kInBatch) != 0;
  const char* next = at + kRecordHeaderBytes;
  record.id = native_id(node_id, record.index);
  if ((flags & kForeignId) != 0) {
    record.id = load_little<std::uint64_t>(next);
    next += 8;
  }
  if ((flags & kDeferred) != 0) {
    record.due = Timestamp{load_little<std::int64_t>(next)};
    next += 8;
  }
  record.body = {next, load_little<std::uint32_t>(at + kLengthAt)};
  return record;
}

// The offset of the next undamaged record that lies at or behind `from`, is all there, and whose
// index lies within `plausible`; npos if there is none in `bytes`. O(bytes), whatever they are.
std::size_t find_record(std::string_view bytes, std::size_t from, IndexRange plausible,
                        const LogIdentity& identity);
// The same for a record of which perhaps only the header is there, or undamaged.
std::size_t find_record_header(std::string_view bytes, std::size_t from, IndexRange plausible,
                               const LogIdentity& identity);

struct SegmentHeader {
  std::uint32_t version = 0;
  LogIdentity identity;
  // Written and synced as a whole before it got its name, as rewritten segments are: it has no torn
  // end, and offsets into the file it replaces mean nothing in it.
  bool sealed = false;
};
void encode_segment_header(char* to, const LogIdentity& identity, bool sealed = false);
// Nothing if the bytes are no header; a newer version's header is returned as it is.
std::optional<SegmentHeader> parse_segment_header(std::string_view bytes);

}  // namespace nsq::storage
