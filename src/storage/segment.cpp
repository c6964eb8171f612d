#include "storage/segment.h"

#include <algorithm>
#include <charconv>

#include "storage/record_stream.h"

namespace nsq::storage {
namespace {

constexpr std::string_view kSuffix = ".log";
constexpr std::size_t kDigits = 20;
// Closer than this, reading on from a known place is cheaper than halving further; for small reads
// it is less.
constexpr std::uint64_t kCloseEnoughBytes = 128 << 10;
// Places are remembered no closer than this, which bounds their number.
constexpr std::uint64_t kPlaceDistanceBytes = 1 << 20;
constexpr std::size_t kMaxNotedDamage = 1000;
constexpr std::size_t kNameDigits = 20;

}  // namespace

std::string segment_file_name(Index first) {
  std::string digits = std::to_string(first);
  digits.insert(0, kNameDigits - digits.size(), '0');
  return digits + ".log";
}

Segment::Segment(FileSystem& files, std::string path, Index first, const SegmentHeader& header)
    : files_(files), path_(std::move(path)), first_(first), header_(header) {}

std::optional<Index> parse_segment_name(std::string_view name) {
  if (name.size() != kDigits + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  Index first = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + kDigits, first);
  if (error != std::errc() || end != name.data() + kDigits || first > kMaxIndex)
    return std::nullopt;
  return first;
}

Result<std::shared_ptr<File>> Segment::file() {
  // Opened under the lock: once keep_open() has returned, nobody opens by name any more.
  Lock lock(mutex_);
  if (file_) return file_;
  auto opened = files_.open(path_, FileSystem::Mode::Read);
  if (!opened) return opened.error();
  return std::shared_ptr<File>(std::move(opened.value()));
}

void Segment::keep_open(std::shared_ptr<File> file) {
  Lock lock(mutex_);
  file_ = std::move(file);
}

Result<void> Segment::keep_open() {
  Lock lock(mutex_);
  if (file_) return {};
  auto opened = files_.open(path_, FileSystem::Mode::Read);
  if (!opened) return opened.error();
  file_ = std::move(opened.value());
  return {};
}

void Segment::note_place(Index index, std::uint64_t offset) {
  Lock lock(mutex_);
  const auto next = places_.upper_bound(index);
  if (next != places_.end() && next->second < offset + kPlaceDistanceBytes) return;
  const std::uint64_t before =
      next == places_.begin() ? kSegmentHeaderBytes : std::prev(next)->second;
  if (offset < before + kPlaceDistanceBytes) return;
  places_.emplace_hint(next, index, offset);
}

void Segment::note_damage(std::uint64_t offset, std::uint64_t& damaged) {
  Lock lock(mutex_);
  if (damage_.size() >= kMaxNotedDamage || damage_.insert(offset).second) ++damaged;
}

// The nearest known place at or before `from`, and where the next known place (or the end) is.
std::pair<Segment::Place, std::uint64_t> Segment::known_bracket(Index from, Extent extent) const {
  Lock lock(mutex_);
  Place low{first_, kSegmentHeaderBytes};
  const auto next = places_.upper_bound(from);
  if (next != places_.begin()) low = {std::prev(next)->first, std::prev(next)->second};
  return {low, next == places_.end() ? extent.bytes : std::min(next->second, extent.bytes)};
}

Result<Segment::Place> Segment::locate(File& file, Index from, std::uint64_t close_enough,
                                       Extent extent) {
  auto [low, high] = known_bracket(from, extent);
  while (high > low.offset && high - low.offset > close_enough) {
    const std::uint64_t middle = low.offset + (high - low.offset) / 2;
    auto found = search_record(file, {middle, high, extent.bytes}, {low.index, extent.end},
                               header_.identity);
    if (!found) return found.error();
    if (*found && (*found)->index <= from) {
      low = {(*found)->index, (*found)->offset};
      note_place(low.index, low.offset);
    } else {
      high = middle;
    }
  }
  return low;
}

// What one piece of the file holds.
struct Segment::Part {
  std::shared_ptr<Chunk> chunk;
  bool any = false;              // at least one record at or behind `from`
  bool ended = false;            // nothing more is in the extent
  Place next{};                  // where to go on
  std::size_t needed_bytes = 0;  // to get on from there
};

Result<Segment::Part> Segment::read_part(File& file, Index from, Place start, std::size_t bytes,
                                         Extent extent, std::uint64_t& damaged) {
  const std::uint64_t left = extent.bytes > start.offset ? extent.bytes - start.offset : 0;
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, left));
  Buffer buffer(size);
  auto got = file.read_at({buffer.get(), size}, start.offset);
  if (!got) return got.error();
  const std::string_view content(buffer.get(), *got);
  Part part;
  part.chunk = std::make_shared<Chunk>(from, std::move(buffer), *got, header_.identity);
  part.next = start;
  const bool to_the_end = size == left || *got < size;
  if (*got < size) note_damage(start.offset + *got, damaged);  // shorter than it was

  std::size_t at = 0;
  while (at < content.size()) {
    const ParsedRecord parsed = parse_record(content.substr(at), header_.identity);
    const Index index = parsed.record.index;
    if (parsed.status == ParsedRecord::Status::Complete && index >= part.next.index &&
        index < extent.end) {
      if (index >= from) {
        part.chunk->note_record(index, at);
        part.any = true;
      }
      part.next.index = index + 1;
      at += parsed.size;
      continue;
    }
    if (parsed.status == ParsedRecord::Status::Cut && !to_the_end && parsed.size <= left - at) {
      part.needed_bytes = parsed.size;
      break;
    }
    if (!to_the_end && part.any) break;  // what lies behind the damage is for the next read
    note_damage(start.offset + at, damaged);
    auto found = search_record(file, {start.offset + at + 1, extent.bytes, extent.bytes},
                               {part.next.index, extent.end}, header_.identity);
    if (!found) return found.error();
    at = static_cast<std::size_t>((*found ? (*found)->offset : extent.bytes) - start.offset);
  }
  part.next.offset = start.offset + at;
  part.ended = part.next.offset >= extent.bytes || (to_the_end && at >= content.size());
  return part;
}

Result<std::shared_ptr<Chunk>> Segment::read(Index from, std::size_t max_bytes, Extent extent,
                                             std::uint64_t& damaged) {
  auto opened = file();
  if (!opened) return opened.error();
  const std::shared_ptr<File> handle = *opened;
  const auto close_enough = std::min<std::uint64_t>(kCloseEnoughBytes, max_bytes);
  auto place = locate(*handle, from, close_enough, extent);
  if (!place) return place.error();
  std::size_t bytes = max_bytes;
  while (true) {
    auto part = read_part(*handle, from, *place, bytes, extent, damaged);
    if (!part) return part.error();
    if (part->ended) {
      part->chunk->extend_range(std::max(extent.end, from));
      return part->chunk;
    }
    note_place(part->next.index, part->next.offset);
    if (part->any) return part->chunk;
    *place = part->next;
    bytes = std::max(max_bytes, part->needed_bytes);
  }
}

}  // namespace nsq::storage
