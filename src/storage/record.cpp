#include "storage/record.h"

// Most records are short: their checksums are quicker computed here than called for.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstring>
#include <limits>

#include "base/assert.h"
#include "base/bytes.h"

namespace nsq::storage {
namespace {

constexpr char kMagic[6] = {'N', 'S', 'Q', 'L', 'O', 'G'};
constexpr std::size_t kSegmentFlagsAt = 6;
constexpr std::size_t kVersionAt = 8;
constexpr std::size_t kNodeIdAt = 12;
constexpr std::size_t kSeedAt = 16;
constexpr std::size_t kSegmentChecksumAt = 24;
static_assert(sizeof kMagic == kSegmentFlagsAt && kSegmentChecksumAt + 8 == kSegmentHeaderBytes);
constexpr std::uint16_t kSealed = 1;

using namespace record_layout;
constexpr char kMarkBytes[2] = {static_cast<char>(kRecordMark & 0xff),
                                static_cast<char>(kRecordMark >> 8)};

std::uint32_t checksum(const char* from, const char* to, std::uint64_t seed) {
  return static_cast<std::uint32_t>(
      XXH3_64bits_withSeed(from, static_cast<std::size_t>(to - from), seed));
}

std::uint32_t header_checksum(const char* record, std::uint64_t seed) {
  return checksum(record + kLengthAt, record + kRecordHeaderBytes, seed);
}

std::uint32_t whole_checksum(const char* record, const char* end, std::uint64_t seed) {
  return checksum(record + kHeaderChecksumAt, end, seed);
}

constexpr std::size_t header_bytes(std::uint16_t flags) {
  return kRecordHeaderBytes + ((flags & kForeignId) != 0 ? 8 : 0) +
         ((flags & kDeferred) != 0 ? 8 : 0);
}

std::uint16_t flags_of(const Record& record, std::uint32_t node_id) {
  std::uint16_t flags = 0;
  if (record.id != native_id(node_id, record.index)) flags |= kForeignId;
  if (record.due != Timestamp{}) flags |= kDeferred;
  if (record.batch_goes_on) flags |= kBatchGoesOn;
  if (record.in_batch) flags |= kInBatch;
  return flags;
}

}  // namespace

std::size_t encoded_bytes(const Record& record, std::uint32_t node_id) {
  return header_bytes(flags_of(record, node_id)) + record.body.size();
}

char* encode_record(char* to, const Record& record, const LogIdentity& identity) {
  NSQ_ASSERT(record.body.size() <= std::numeric_limits<std::uint32_t>::max());
  const std::uint16_t flags = flags_of(record, identity.node_id);
  store_little(to + kLengthAt, static_cast<std::uint32_t>(record.body.size()));
  store_little(to + kFlagsAt, flags);
  store_little(to + kMarkAt, kRecordMark);
  store_little(to + kIndexAt, record.index);
  store_little(to + kTimestampAt, record.timestamp.nanoseconds());
  store_little(to + kHeaderChecksumAt, header_checksum(to, identity.seed));
  char* at = to + kRecordHeaderBytes;
  if ((flags & kForeignId) != 0) {
    store_little(at, record.id);
    at += 8;
  }
  if ((flags & kDeferred) != 0) {
    store_little(at, record.due.nanoseconds());
    at += 8;
  }
  if (!record.body.empty()) std::memcpy(at, record.body.data(), record.body.size());
  at += record.body.size();
  store_little(to, whole_checksum(to, at, identity.seed));
  return at;
}

ParsedRecord parse_record(std::string_view bytes, const LogIdentity& identity) {
  ParsedRecord parsed;
  if (bytes.size() < kRecordHeaderBytes) {
    parsed.status = ParsedRecord::Status::Cut;
    parsed.size = kRecordHeaderBytes;
    return parsed;
  }
  const char* const start = bytes.data();
  const auto flags = load_little<std::uint16_t>(start + kFlagsAt);
  if (load_little<std::uint16_t>(start + kMarkAt) != kRecordMark || (flags & ~kKnownFlags) != 0) {
    return parsed;
  }
  const std::size_t size = header_bytes(flags) + load_little<std::uint32_t>(start + kLengthAt);
  const bool is_all_there = bytes.size() >= size;
  // The checksum of the whole says that the header is right as well.
  if (is_all_there &&
      load_little<std::uint32_t>(start) == whole_checksum(start, start + size, identity.seed)) {
    parsed.status = ParsedRecord::Status::Complete;
    parsed.size = size;
    parsed.record = view_record(start, identity.node_id);
    return parsed;
  }
  // Of a length that may be damaged nothing is concluded.
  if (load_little<std::uint32_t>(start + kHeaderChecksumAt) !=
      header_checksum(start, identity.seed)) {
    return parsed;
  }
  parsed.size = size;
  if (!is_all_there) parsed.status = ParsedRecord::Status::Cut;
  return parsed;
}

std::size_t find_record_header(std::string_view bytes, std::size_t from, IndexRange plausible,
                               const LogIdentity& identity) {
  constexpr std::string_view mark(kMarkBytes, sizeof kMarkBytes);
  for (; from + kRecordHeaderBytes <= bytes.size(); ++from) {
    const std::size_t at = bytes.find(mark, from + kMarkAt);
    if (at == std::string_view::npos) break;
    from = at - kMarkAt;
    if (from + kRecordHeaderBytes > bytes.size()) break;
    const auto index = load_little<std::uint64_t>(bytes.data() + from + kIndexAt);
    if (index < plausible.begin || index >= plausible.end) continue;
    if (parse_record(bytes.substr(from, kRecordHeaderBytes), identity).status !=
        ParsedRecord::Status::Bad) {
      return from;
    }
  }
  return std::string_view::npos;
}

std::size_t find_record(std::string_view bytes, std::size_t from, IndexRange plausible,
                        const LogIdentity& identity) {
  while (true) {
    from = find_record_header(bytes, from, plausible, identity);
    if (from == std::string_view::npos) return from;
    if (parse_record(bytes.substr(from), identity).status == ParsedRecord::Status::Complete) {
      return from;
    }
    ++from;
  }
}

void encode_segment_header(char* to, const LogIdentity& identity, bool sealed) {
  std::memcpy(to, kMagic, sizeof kMagic);
  store_little(to + kSegmentFlagsAt, sealed ? kSealed : std::uint16_t{0});
  store_little(to + kVersionAt, kFormatVersion);
  store_little(to + kNodeIdAt, identity.node_id);
  store_little(to + kSeedAt, identity.seed);
  store_little(to + kSegmentChecksumAt, static_cast<std::uint64_t>(XXH3_64bits_withSeed(
                                            to, kSegmentChecksumAt, identity.seed)));
}

std::optional<SegmentHeader> parse_segment_header(std::string_view bytes) {
  if (bytes.size() < kSegmentHeaderBytes) return std::nullopt;
  const char* const start = bytes.data();
  if (std::memcmp(start, kMagic, sizeof kMagic) != 0) return std::nullopt;
  SegmentHeader header;
  header.version = load_little<std::uint32_t>(start + kVersionAt);
  header.identity.node_id = load_little<std::uint32_t>(start + kNodeIdAt);
  header.identity.seed = load_little<std::uint64_t>(start + kSeedAt);
  header.sealed = (load_little<std::uint16_t>(start + kSegmentFlagsAt) & kSealed) != 0;
  const auto sum = XXH3_64bits_withSeed(start, kSegmentChecksumAt, header.identity.seed);
  if (load_little<std::uint64_t>(start + kSegmentChecksumAt) != sum) return std::nullopt;
  return header;
}

}  // namespace nsq::storage
