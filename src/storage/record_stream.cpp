#include "storage/record_stream.h"

#include <algorithm>

namespace nsq::storage {
namespace {

// A search starts with little, since in most places a record is near, and grows to the second.
constexpr std::size_t kFirstProbeBytes = 4 << 10;
constexpr std::size_t kLargestProbeBytes = 1 << 20;
constexpr std::size_t kStreamBytes = 1 << 20;

Result<std::string_view> read_part(File& file, std::uint64_t offset, std::size_t bytes,
                                   std::vector<char>& buffer) {
  buffer.resize(bytes);
  auto got = file.read_at(buffer, offset);
  if (!got) return got.error();
  return std::string_view(buffer.data(), *got);
}

}  // namespace

Result<std::optional<FoundRecord>> search_record(File& file, SearchRange range,
                                                 IndexRange plausible,
                                                 const LogIdentity& identity) {
  std::vector<char> buffer;
  std::vector<char> large;
  std::size_t wanted = kFirstProbeBytes;
  for (std::uint64_t offset = range.from; offset < std::min(range.before, range.limit);) {
    const auto size =
        static_cast<std::size_t>(std::min<std::uint64_t>(wanted, range.limit - offset));
    auto part = read_part(file, offset, size, buffer);
    if (!part) return part.error();
    const std::string_view bytes = *part;
    std::size_t at = 0;
    while ((at = find_record_header(bytes, at, plausible, identity)) != std::string_view::npos) {
      const std::uint64_t start = offset + at;
      if (start >= range.before) return std::optional<FoundRecord>();
      ParsedRecord parsed = parse_record(bytes.substr(at), identity);
      if (parsed.status == ParsedRecord::Status::Cut && parsed.size <= range.limit - start) {
        auto whole = read_part(file, start, parsed.size, large);
        if (!whole) return whole.error();
        parsed = parse_record(*whole, identity);
      }
      if (parsed.status == ParsedRecord::Status::Complete) {
        return std::optional(FoundRecord{start, parsed.record.index});
      }
      ++at;
    }
    if (bytes.size() < kRecordHeaderBytes || offset + bytes.size() >= range.limit) break;
    offset += bytes.size() - (kRecordHeaderBytes - 1);  // a header may lie across the border
    wanted = std::min(wanted * 4, kLargestProbeBytes);
  }
  return std::optional<FoundRecord>();
}

RecordStream::RecordStream(File& file, const LogIdentity& identity, std::uint64_t offset,
                           std::uint64_t size)
    : file_(file), identity_(identity), size_(size), position_(offset), buffer_offset_(offset) {}

Result<void> RecordStream::refill(std::uint64_t offset, std::size_t bytes) {
  bytes = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, size_ - offset));
  auto part = read_part(file_, offset, bytes, buffer_);
  if (!part) return part.error();
  buffer_.resize(part->size());
  buffer_offset_ = offset;
  return {};
}

Result<std::optional<RecordStream::Item>> RecordStream::next(IndexRange plausible) {
  bool behind_damage = false;
  std::size_t asked = 0;  // for how much the file was asked at this position
  while (position_ < size_) {
    const std::uint64_t into = position_ - buffer_offset_;
    std::string_view bytes(buffer_.data(), buffer_.size());
    bytes.remove_prefix(static_cast<std::size_t>(std::min<std::uint64_t>(into, bytes.size())));
    const ParsedRecord parsed = parse_record(bytes, identity_);
    if (parsed.status == ParsedRecord::Status::Cut && parsed.size <= size_ - position_ &&
        asked < parsed.size) {
      asked = std::max(kStreamBytes, parsed.size);
      if (auto done = refill(position_, asked); !done) return done.error();
      continue;
    }
    const Index index = parsed.record.index;
    if (parsed.status == ParsedRecord::Status::Complete && index >= plausible.begin &&
        index < plausible.end) {
      const std::uint64_t offset = position_;
      position_ += parsed.size;
      return std::optional(Item{offset, position_, parsed.record, behind_damage});
    }
    auto found = search_record(file_, {position_ + 1, size_, size_}, plausible, identity_);
    if (!found) return found.error();
    if (!*found) position_ = size_;
    if (*found) position_ = (*found)->offset;
    behind_damage = true;
    asked = 0;
  }
  return std::optional<Item>();
}

}  // namespace nsq::storage
