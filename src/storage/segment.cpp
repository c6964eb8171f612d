#include "storage/segment.h"

#include <algorithm>
#include <vector>

namespace nsq::storage {
namespace {

// Closer than this, reading on from a known place is cheaper than halving further.
constexpr std::uint64_t kCloseEnoughBytes = 128 << 10;
constexpr std::size_t kProbeBytes = 64 << 10;
// Places are remembered no closer than this, which bounds their number.
constexpr std::uint64_t kPlaceDistanceBytes = 256 << 10;

}  // namespace

Segment::Segment(FileSystem& files, std::string path, Index first, LogIdentity identity)
    : files_(files), path_(std::move(path)), first_(first), identity_(identity) {}

Result<std::shared_ptr<File>> Segment::file() {
  Lock lock(mutex_);
  if (!file_) {
    auto opened = files_.open(path_, FileSystem::Mode::Read);
    if (!opened) return opened.error();
    file_ = std::move(opened.value());
  }
  return file_;
}

void Segment::set_file(std::shared_ptr<File> file) {
  Lock lock(mutex_);
  file_ = std::move(file);
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

// The nearest known place at or before `from`, and where the next known place (or the end) is.
std::pair<Segment::Place, std::uint64_t> Segment::known_bracket(Index from, Extent extent) const {
  Lock lock(mutex_);
  Place low{first_, kSegmentHeaderBytes};
  const auto next = places_.upper_bound(from);
  if (next != places_.begin()) low = {std::prev(next)->first, std::prev(next)->second};
  return {low, next == places_.end() ? extent.bytes : std::min(next->second, extent.bytes)};
}

Result<Segment::Place> Segment::locate(File& file, Index from, Extent extent) {
  auto [low, high] = known_bracket(from, extent);
  std::size_t probe_bytes = kProbeBytes;
  std::vector<char> probe;
  while (high > low.offset && high - low.offset > kCloseEnoughBytes) {
    const std::uint64_t middle = low.offset + (high - low.offset) / 2;
    probe.resize(
        static_cast<std::size_t>(std::min<std::uint64_t>(probe_bytes, extent.bytes - middle)));
    auto got = file.read_at(probe, middle);
    if (!got) return got.error();
    const std::string_view bytes(probe.data(), *got);
    const std::size_t at = find_record(bytes, 0, {low.index, extent.end}, identity_);
    if (at == std::string_view::npos && middle + *got < high && *got == probe.size()) {
      probe_bytes *= 4;  // inside a large record
      continue;
    }
    const Index found = at == std::string_view::npos
                            ? extent.end
                            : view_record(bytes.data() + at, identity_.node_id).index;
    if (found <= from) {
      low = {found, middle + at};
      note_place(low.index, low.offset);
    } else {
      high = middle;
    }
  }
  return low;
}

Result<std::shared_ptr<Chunk>> Segment::read(Index from, std::size_t max_bytes, Extent extent,
                                             std::uint64_t& damaged) {
  auto opened = file();
  if (!opened) return opened.error();
  const std::shared_ptr<File> handle = *opened;
  auto place = locate(*handle, from, extent);
  if (!place) return place.error();
  const std::uint64_t start = place->offset;

  for (std::size_t wanted = max_bytes;; wanted *= 4) {
    const std::uint64_t left = extent.bytes > start ? extent.bytes - start : 0;
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(wanted, left));
    std::unique_ptr<char[]> buffer(new char[size]);
    auto got = handle->read_at({buffer.get(), size}, start);
    if (!got) return got.error();
    const std::string_view bytes(buffer.get(), *got);
    const bool at_end = size == left || *got < size;
    auto chunk = std::make_shared<Chunk>(from, std::move(buffer), *got, identity_);

    std::size_t at = 0;
    std::uint64_t damage = 0;
    Index next = place->index;
    bool found_any = false;
    while (at < bytes.size()) {
      const ParsedRecord parsed = parse_record(bytes.substr(at), identity_);
      const bool usable = parsed.status == ParsedRecord::Status::Complete &&
                          parsed.record.index >= next && parsed.record.index < extent.end;
      if (usable) {
        next = parsed.record.index + 1;
        if (parsed.record.index >= from) {
          chunk->note_record(parsed.record.index, at);
          found_any = true;
        }
        at += parsed.size;
        continue;
      }
      if (parsed.status == ParsedRecord::Status::Cut && !at_end) break;  // the rest is further on
      ++damage;
      const std::size_t again = find_record(bytes, at + 1, {next, extent.end}, identity_);
      if (again == std::string_view::npos) {
        at = at_end ? bytes.size() : at;
        break;
      }
      at = again;
    }
    if (!found_any && !at_end) continue;  // a larger record, or more damage, than was read
    damaged += damage;
    if (at_end && at >= bytes.size()) {
      chunk->extend_range(std::max(extent.end, from));
    } else {
      note_place(next, start + at);
    }
    return chunk;
  }
}

}  // namespace nsq::storage
