#include "storage/record.h"

#include <xxhash.h>

#include "base/bytes.h"

namespace nsq::storage {
namespace {

constexpr char kMagic[8] = {'N', 'S', 'Q', 'L', 'O', 'G', 0, 0};
constexpr std::size_t kChecksumBytes = 8;
constexpr std::size_t kLengthAt = 8;
constexpr std::size_t kFlagsAt = 12;
constexpr std::size_t kMarkAt = 14;
constexpr std::size_t kIndexAt = 16;
constexpr std::size_t kTimestampAt = 24;
static_assert(kTimestampAt + 8 == kRecordHeaderBytes);
static_assert(sizeof kMagic == 8 && kSegmentHeaderBytes == 32);

constexpr std::size_t header_bytes(std::uint16_t flags) {
  return kRecordHeaderBytes + ((flags & kForeignId) != 0 ? 8 : 0) +
         ((flags & kDeferred) != 0 ? 8 : 0);
}

std::uint16_t flags_of(const Record& record, std::uint32_t node_id) {
  std::uint16_t flags = 0;
  if (record.id != native_id(node_id, record.index)) flags |= kForeignId;
  if (record.due != Timestamp{}) flags |= kDeferred;
  if (record.batch_goes_on) flags |= kBatchGoesOn;
  return flags;
}

}  // namespace

std::size_t encoded_bytes(const Record& record, std::uint32_t node_id) {
  return header_bytes(flags_of(record, node_id)) + record.body.size();
}

char* encode_record(char* to, const Record& record, const LogIdentity& identity) {
  const std::uint16_t flags = flags_of(record, identity.node_id);
  store_little(to + kLengthAt, static_cast<std::uint32_t>(record.body.size()));
  store_little(to + kFlagsAt, flags);
  store_little(to + kMarkAt, kRecordMark);
  store_little(to + kIndexAt, record.index);
  store_little(to + kTimestampAt, record.timestamp.nanoseconds());
  char* at = to + kRecordHeaderBytes;
  if ((flags & kForeignId) != 0) {
    store_little(at, record.id);
    at += 8;
  }
  if ((flags & kDeferred) != 0) {
    store_little(at, record.due.nanoseconds());
    at += 8;
  }
  std::memcpy(at, record.body.data(), record.body.size());
  at += record.body.size();
  const char* checked = to + kChecksumBytes;
  store_little(to, static_cast<std::uint64_t>(XXH3_64bits_withSeed(
                       checked, static_cast<std::size_t>(at - checked), identity.seed)));
  return at;
}

Record view_record(const char* at, std::uint32_t node_id) {
  Record record;
  const auto flags = load_little<std::uint16_t>(at + kFlagsAt);
  record.index = load_little<std::uint64_t>(at + kIndexAt);
  record.timestamp = Timestamp{load_little<std::int64_t>(at + kTimestampAt)};
  record.batch_goes_on = (flags & kBatchGoesOn) != 0;
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

ParsedRecord parse_record(std::string_view bytes, const LogIdentity& identity) {
  ParsedRecord parsed;
  if (bytes.size() < kRecordHeaderBytes) {
    parsed.status = ParsedRecord::Status::Cut;
    parsed.size = kRecordHeaderBytes;
    return parsed;
  }
  const auto flags = load_little<std::uint16_t>(bytes.data() + kFlagsAt);
  if (load_little<std::uint16_t>(bytes.data() + kMarkAt) != kRecordMark ||
      (flags & ~kKnownFlags) != 0) {
    return parsed;
  }
  parsed.size = header_bytes(flags) + load_little<std::uint32_t>(bytes.data() + kLengthAt);
  if (bytes.size() < parsed.size) {
    parsed.status = ParsedRecord::Status::Cut;
    return parsed;
  }
  const auto checksum = load_little<std::uint64_t>(bytes.data());
  if (checksum != XXH3_64bits_withSeed(bytes.data() + kChecksumBytes, parsed.size - kChecksumBytes,
                                       identity.seed)) {
    return parsed;
  }
  parsed.status = ParsedRecord::Status::Complete;
  parsed.record = view_record(bytes.data(), identity.node_id);
  return parsed;
}

std::size_t find_record(std::string_view bytes, std::size_t from, IndexRange plausible,
                        const LogIdentity& identity) {
  for (; from + kRecordHeaderBytes <= bytes.size(); ++from) {
    const char* at = bytes.data() + from;
    if (load_little<std::uint16_t>(at + kMarkAt) != kRecordMark) continue;
    const auto index = load_little<std::uint64_t>(at + kIndexAt);
    if (index < plausible.begin || index >= plausible.end) continue;
    if (parse_record(bytes.substr(from), identity).status == ParsedRecord::Status::Complete)
      return from;
  }
  return std::string_view::npos;
}

void encode_segment_header(char* to, const LogIdentity& identity) {
  std::memcpy(to, kMagic, sizeof kMagic);
  store_little(to + 8, kFormatVersion);
  store_little(to + 12, identity.node_id);
  store_little(to + 16, identity.seed);
  store_little(to + 24, static_cast<std::uint64_t>(XXH3_64bits_withSeed(to, 24, identity.seed)));
}

std::optional<SegmentHeader> parse_segment_header(std::string_view bytes) {
  if (bytes.size() < kSegmentHeaderBytes) return std::nullopt;
  if (std::memcmp(bytes.data(), kMagic, sizeof kMagic) != 0) return std::nullopt;
  SegmentHeader header;
  header.version = load_little<std::uint32_t>(bytes.data() + 8);
  header.identity.node_id = load_little<std::uint32_t>(bytes.data() + 12);
  header.identity.seed = load_little<std::uint64_t>(bytes.data() + 16);
  const auto checksum = load_little<std::uint64_t>(bytes.data() + 24);
  if (checksum != XXH3_64bits_withSeed(bytes.data(), 24, header.identity.seed)) return std::nullopt;
  return header;
}

}  // namespace nsq::storage
