// Giving back memory and disk space that nobody needs any more.

#include <algorithm>

#include "storage/message_log.h"
#include "storage/segment_copy.h"

namespace nsq::storage {
namespace {

// An active segment this small is kept although all in it is finished.
constexpr std::uint64_t kWorthRemovingBytes = 1 << 20;
const std::error_code kInUse = std::make_error_code(std::errc::device_or_resource_busy);

// A chunk in which just these of another's records are; that chunk itself if they are most of it.
std::shared_ptr<Chunk> shrunk(const std::shared_ptr<Chunk>& from, const IntervalSet& live,
                              const LogIdentity& identity) {
  const auto for_each_record = [&](auto visit) {
    live.for_each({from->begin(), from->end()}, [&](IndexRange range) {
      for (Index index = range.begin; index < range.end; ++index) {
        if (const auto record = from->find(index)) visit(*record);
      }
    });
  };
  std::size_t bytes = 0;
  for_each_record([&](const Record& each) { bytes += encoded_bytes(each, identity.node_id); });
  if (bytes > from->capacity() / 2) return from;
  auto copy = std::make_shared<Chunk>(from->begin(), bytes, identity);
  for_each_record([&](const Record& each) { copy->append(each); });
  copy->extend_range(from->end());
  return copy;
}

}  // namespace

void MessageLog::forget_segment(Segments::iterator segment) {
  const auto of_it = [&](const Unsynced& each) { return each.segment == segment->second.segment; };
  std::erase_if(unsynced_, of_it);
  unsafe_.erase(segment->first);
  segments_.erase(segment);
}

std::vector<std::shared_ptr<Segment>> MessageLog::release(Index floor) {
  Lock lock(mutex_);
  // The chunk that is being appended to goes only when all of it is finished.
  while (!window_.empty() && window_.front().chunk->end() <= floor &&
         (window_.size() > 1 || floor >= end_)) {
    // It may never have been written; now it need not be.
    written_end_ = std::max(written_end_, window_.front().chunk->end());
    drop_oldest_chunk();
  }
  const auto take_oldest = [&]() NSQ_REQUIRES(mutex_) {
    released_.push_back(segments_.begin()->second.segment);
    forget_segment(segments_.begin());
  };
  while (segments_.size() > 1 && segments_.begin()->second.extent.end <= floor &&
         !segments_.begin()->second.copying) {
    take_oldest();
  }
  // All of the log is finished: the active segment can go too; the next write starts another.
  if (segments_.size() == 1 && floor >= end_ && written_end_ == end_ && !writing_ &&
      !segments_.begin()->second.copying &&
      segments_.begin()->second.extent.bytes >= kWorthRemovingBytes) {
    take_oldest();
    active_ = nullptr;
    resumable_ = false;
  }
  return released_;
}

bool MessageLog::should_compact() const {
  Lock lock(mutex_);
  return !options_.on_disk &&
         window_bytes_ > std::max<std::size_t>(options_.window_bytes, 2 * compacted_bytes_);
}

void MessageLog::compact(const std::function<IntervalSet(IndexRange)>& live) {
  std::deque<WindowChunk> window;
  {
    Lock lock(mutex_);
    window = window_;
  }
  for (std::size_t i = 0; i + 1 < window.size(); ++i) {  // the last one grows
    std::shared_ptr<Chunk>& chunk = window[i].chunk;
    chunk = shrunk(chunk, live({chunk->begin(), chunk->end()}), options_.identity);
  }
  std::erase_if(window, [](const WindowChunk& each) { return each.chunk->capacity() == 0; });
  std::size_t bytes = 0;
  for (const WindowChunk& each : window) bytes += each.chunk->capacity();
  Lock lock(mutex_);
  window_.swap(window);
  window_bytes_ = compacted_bytes_ = bytes;
}

Result<void> MessageLog::remove(const std::vector<std::shared_ptr<Segment>>& segments) {
  Result<void> done;
  for (const auto& segment : segments) {
    // For those who still read. If it cannot be opened, they could not have read it either.
    [[maybe_unused]] const auto kept = segment->keep_open();
    auto removed = files_.remove(segment->path());
    if (removed || !files_.exists(segment->path())) {
      Lock lock(mutex_);
      std::erase(released_, segment);
    } else if (done) {
      done = removed;
    }
  }
  return done;
}

std::vector<MessageLog::SegmentState> MessageLog::sealed_segments() const {
  std::vector<SegmentState> states;
  Lock lock(mutex_);
  for (auto it = segments_.begin(); it != segments_.end(); ++it) {
    if ((active_ || resumable_) && std::next(it) == segments_.end()) break;
    states.push_back(
        {it->first, it->second.extent.end, it->second.extent.bytes, it->second.records});
  }
  return states;
}

Result<void> MessageLog::rewrite(Index segment, const IntervalSet& keep) {
  auto replaced = replace_segment(segment, keep);
  if (replaced || replaced.error() == kInUse) return {};
  return replaced.error();
}

// Puts a copy, synced, of those records in the place of a segment; returns how many records it
// holds. Errors: I/O, or kInUse if the segment is being written to or copied already.
Result<std::uint64_t> MessageLog::replace_segment(Index first, const IntervalSet& keep) {
  SegmentEntry entry;
  {
    Lock lock(mutex_);
    const auto found = segments_.find(first);
    if (found == segments_.end()) return std::uint64_t{0};
    entry = found->second;
    // A write() may go on for a while to a segment that is not the active one any more.
    const bool written_to =
        (active_ || resumable_ || writing_) && std::next(found) == segments_.end();
    if (written_to || entry.copying) return Error(kInUse, "replace " + entry.segment->path());
    found->second.copying = true;  // keeps it from being released
  }
  const std::string& path = entry.segment->path();
  const std::string temporary = path + ".tmp";
  auto copy = copy_segment(files_, *entry.segment, entry.extent, keep, temporary);
  Result<void> done;
  if (!copy) done = copy.error();
  if (done) done = entry.segment->keep_open();  // for those who read it now
  if (done) done = files_.rename(temporary, path);
  if (copy && !done) [[maybe_unused]]
    const auto removed = files_.remove(temporary);

  Lock lock(mutex_);
  SegmentEntry& present = segments_.at(first);
  present.copying = false;
  if (!done) return done.error();
  std::erase_if(unsynced_, [&](const Unsynced& each) { return each.segment == entry.segment; });
  present.segment = std::make_shared<Segment>(
      files_, path, first, SegmentHeader{kFormatVersion, entry.segment->identity(), true});
  present.extent.bytes = copy->bytes;
  present.records = copy->records;
  present.counted = true;
  damaged_ += copy->damaged;
  unsafe_.erase(first);
  directory_unsynced_ = true;
  return copy->records;
}

}  // namespace nsq::storage
