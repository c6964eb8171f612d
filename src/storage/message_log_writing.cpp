// The way of records from memory to the disk, and what is done when that fails.

#include <algorithm>

#include "base/log.h"
#include "storage/message_log.h"
#include "storage/storage_error.h"

namespace nsq::storage {
namespace {

constexpr std::size_t kMaxPieces = 64;

}  // namespace

// What one write() is about: bytes of some chunks, which the shared pointers keep in place, and
// where they go.
struct MessageLog::Pieces {
  std::vector<std::shared_ptr<Chunk>> chunks;
  std::vector<std::string_view> bytes;
  std::uint64_t total = 0;
  Index first = kNoIndex;
  Index end = 0;
  std::shared_ptr<File> file;         // none: to be opened first,
  std::shared_ptr<Segment> resuming;  // this one, or a new one
  std::uint64_t offset = kSegmentHeaderBytes;
};

std::string MessageLog::segment_path(Index first) const {
  return directory_ + "/" + segment_file_name(first);
}

// --- writing -----------------------------------------------------------------------------------

MessageLog::Pieces MessageLog::collect_unwritten() const {
  Pieces pieces;
  // What is unwritten is at the end, so that a long window costs nothing here.
  auto oldest = window_.end();
  while (oldest != window_.begin() &&
         std::prev(oldest)->written_bytes != std::prev(oldest)->chunk->size()) {
    --oldest;
  }
  for (; oldest != window_.end() && pieces.bytes.size() < kMaxPieces; ++oldest) {
    const Chunk& chunk = *oldest->chunk;
    const char* const start = chunk.data() + oldest->written_bytes;
    const std::size_t size = chunk.size() - oldest->written_bytes;
    if (pieces.first == kNoIndex) pieces.first = view_record(start, 0).index;
    pieces.chunks.push_back(oldest->chunk);
    pieces.bytes.emplace_back(start, size);
    pieces.total += size;
    pieces.end = chunk.end();
  }
  if (pieces.bytes.empty() || (!active_ && !resumable_)) return pieces;
  const std::uint64_t bytes = segments_.rbegin()->second.extent.bytes;
  if (bytes <= kSegmentHeaderBytes || bytes + pieces.total <= options_.max_bytes_per_file) {
    pieces.file = active_;
    if (!active_) pieces.resuming = segments_.rbegin()->second.segment;
    pieces.offset = bytes;
  }
  return pieces;
}

Result<Index> MessageLog::write() {
  Pieces pieces;
  {
    Lock lock(mutex_);
    if (options_.on_disk) pieces = collect_unwritten();
    // Nothing, or nothing any more: what is released before it was written need not be.
    if (pieces.bytes.empty()) return written_end_ = end_;
    writing_ = true;
  }
  if (!pieces.file) {
    auto started = pieces.resuming ? resume_segment(pieces.resuming) : start_segment(pieces.first);
    if (!started) {
      Lock lock(mutex_);
      writing_ = false;
      return started.error();
    }
    pieces.file = std::move(started.value());
  }
  if (auto done = pieces.file->write_at(pieces.bytes, pieces.offset); !done) {
    // What was written of it must not be taken for records later. If this fails too, the checksums
    // and the marks of unfinished batches still tell.
    [[maybe_unused]] const auto cut = pieces.file->truncate(pieces.offset);
    give_up_segment(pieces.file);
    return done.error();
  }
  writing_waited_.store(pieces.file->writing_waited(), std::memory_order_relaxed);
  Lock lock(mutex_);
  writing_ = false;
  note_written(pieces);
  return written_end_;
}

void MessageLog::note_written(const Pieces& pieces) {
  auto entry = window_.rbegin();
  for (std::size_t left = pieces.chunks.size(); left > 0 && entry != window_.rend(); ++entry) {
    if (entry->chunk != pieces.chunks[left - 1]) continue;
    entry->written_bytes += pieces.bytes[--left].size();
  }
  SegmentEntry& segment = segments_.rbegin()->second;
  segment.segment->note_place(pieces.first, pieces.offset);
  segment.extent = {pieces.end, pieces.offset + pieces.total};
  segment.records += pieces.end - pieces.first;
  written_end_ = std::max(written_end_, pieces.end);
  note_unsynced(segment.segment, pieces.file);
  shrink_window();
}

void MessageLog::note_unsynced(std::shared_ptr<Segment> segment, std::shared_ptr<File> file) {
  if (!unsynced_.empty() && unsynced_.back().segment == segment) return;
  unsynced_.push_back({std::move(segment), std::move(file)});
}

// Creates the file the next records go to. The one before is sealed by this.
Result<std::shared_ptr<File>> MessageLog::start_segment(Index first) {
  if (!directory_made_) {
    const bool made_here = !files_.exists(directory_);
    if (auto made = files_.create_directory(directory_); !made) return made.error();
    directory_made_ = true;
    Lock lock(mutex_);
    parent_unsynced_ = made_here;
  }
  const std::string path = segment_path(first);
  // One left by a failure, without records. A new file takes nothing over from it, even if the
  // power fails before either is synced.
  if (files_.exists(path)) {
    if (auto removed = files_.remove(path); !removed) return removed.error();
  }
  auto opened = files_.open(path, FileSystem::Mode::Create);
  if (!opened) return opened.error();
  std::shared_ptr<File> file = std::move(opened.value());
  char header[kSegmentHeaderBytes];
  encode_segment_header(header, options_.identity);
  const std::string_view bytes(header, sizeof header);
  if (auto written = file->write_at(std::span(&bytes, 1), 0); !written) {
    [[maybe_unused]] const auto removed = files_.remove(path);
    return written.error();
  }
  auto segment = std::make_shared<Segment>(files_, path, first,
                                           SegmentHeader{kFormatVersion, options_.identity, false});
  segment->keep_open(file);
  Lock lock(mutex_);
  if (!segments_.empty()) {
    // The segment before ends where this one begins, whatever was skipped in between.
    SegmentEntry& before = segments_.rbegin()->second;
    before.extent.end = first;
    before.segment->keep_open(nullptr);
  }
  note_unsynced(segment, file);
  segments_[first] = {std::move(segment), {first, kSegmentHeaderBytes}};
  active_ = file;
  resumable_ = false;
  directory_unsynced_ = true;
  return file;
}

// Opens the file that was closed since nobody wrote.
Result<std::shared_ptr<File>> MessageLog::resume_segment(const std::shared_ptr<Segment>& segment) {
  auto opened = files_.open(segment->path(), FileSystem::Mode::Write);
  if (!opened) return opened.error();
  std::shared_ptr<File> file = std::move(opened.value());
  segment->keep_open(file);
  Lock lock(mutex_);
  active_ = file;
  resumable_ = false;
  return file;
}

// A write has failed: the segment ends where it ended before.
void MessageLog::give_up_segment(const std::shared_ptr<File>& file) {
  std::string path;
  {
    Lock lock(mutex_);
    const auto last = std::prev(segments_.end());
    if (last->second.extent.bytes <= kSegmentHeaderBytes) {
      path = last->second.segment->path();
      forget_segment(last);
    } else {
      note_unsynced(last->second.segment, file);  // that it was cut is to last
      last->second.segment->keep_open(nullptr);
    }
    active_ = nullptr;
    writing_ = false;
  }
  // If this fails, it is done before the name is used again.
  if (!path.empty()) [[maybe_unused]]
    const auto removed = files_.remove(path);
}

bool MessageLog::has_unwritten() const {
  Lock lock(mutex_);
  return written_end_ != end_;
}

bool MessageLog::must_spill() const {
  Lock lock(mutex_);
  if (!options_.on_disk || written_end_ == end_) return false;
  const Index first =
      window_.empty() ? end_ : std::max(window_.front().chunk->begin(), written_end_);
  return end_ - first > options_.window_messages || window_bytes_ > options_.window_bytes;
}

Index MessageLog::drop_unwritten() {
  Lock lock(mutex_);
  while (!window_.empty()) {
    WindowChunk& last = window_.back();
    if (last.written_bytes == last.chunk->size()) break;
    if (last.written_bytes > 0) {
      last.chunk->truncate(last.written_bytes, written_end_);
      break;
    }
    window_bytes_ -= last.chunk->capacity();
    window_.pop_back();
  }
  return end_ = written_end_;
}

// --- syncing -----------------------------------------------------------------------------------

Result<LogPosition> MessageLog::sync() {
  Lock syncing(sync_mutex_);
  if (auto mended = mend_unsafe_segments(); !mended) return mended.error();
  std::vector<Unsynced> files;
  LogPosition position;
  {
    Lock lock(mutex_);
    files.swap(unsynced_);
    position.index = written_end_;
    if (!segments_.empty()) {
      position.segment = segments_.rbegin()->first;
      position.offset = segments_.rbegin()->second.extent.bytes;
    }
  }
  if (auto done = sync_files(std::move(files)); !done) return done.error();
  if (auto done = sync_directories(); !done) return done.error();
  return position;
}

Result<void> MessageLog::sync_files(std::vector<Unsynced> files) {
  for (auto it = files.begin(); it != files.end(); ++it) {
    Result<void> done;
    if (!it->file) {
      auto opened = it->segment->file();
      if (!opened) done = opened.error();
      if (opened) it->file = std::move(opened.value());
    }
    if (done) done = it->file->sync();
    if (done) continue;
    Lock lock(mutex_);
    const auto entry = segments_.find(it->segment->first());
    // Released or replaced meanwhile: what the file held is not needed any more.
    if (entry == segments_.end() || entry->second.segment != it->segment) continue;
    unsafe_.insert(entry->first);
    if (active_ == it->file) {
      active_ = nullptr;
      it->segment->keep_open(nullptr);
    }
    unsynced_.insert(unsynced_.begin(), std::next(it), files.end());
    return done;
  }
  return {};
}

// A name whose sync fails is tried again: the system keeps names in a journal of its own, and stops
// writing altogether when that fails.
Result<void> MessageLog::sync_directories() {
  bool parent = false;
  bool directory = false;
  {
    Lock lock(mutex_);
    parent = std::exchange(parent_unsynced_, false);
    directory = std::exchange(directory_unsynced_, false);
  }
  Result<void> done;
  if (directory) done = files_.sync_directory(directory_);
  if (done && parent) done = files_.sync_directory(parent_directory(directory_));
  if (done) return done;
  Lock lock(mutex_);
  directory_unsynced_ = directory_unsynced_ || directory;
  parent_unsynced_ = parent_unsynced_ || parent;
  return done;
}

// Replaces each file whose sync has failed by a copy that is synced.
Result<void> MessageLog::mend_unsafe_segments() {
  while (true) {
    SegmentEntry entry;
    {
      Lock lock(mutex_);
      if (unsafe_.empty()) return {};
      entry = segments_.at(*unsafe_.begin());
    }
    const Index first = entry.segment->first();
    IntervalSet all;
    all.add({first, std::max(entry.extent.end, first + 1)});
    auto records = replace_segment(first, all);
    if (!records) return records.error();
    if (entry.counted && *records < entry.records) {
      log::error("{}: {} records were lost when the disk failed", entry.segment->path(),
                 entry.records - *records);
      Lock lock(mutex_);
      ++damaged_;
      return Error(StorageErrc::Damaged, entry.segment->path());
    }
  }
}

void MessageLog::close_if_synced() {
  std::shared_ptr<File> closed;  // outside of the lock
  Lock lock(mutex_);
  if (!active_ || writing_ || !unsynced_.empty() || !unsafe_.empty()) return;
  closed = std::exchange(active_, nullptr);
  segments_.rbegin()->second.segment->keep_open(nullptr);
  resumable_ = true;
}

bool MessageLog::has_unsynced() const {
  Lock lock(mutex_);
  return !unsynced_.empty() || !unsafe_.empty() || directory_unsynced_ || parent_unsynced_;
}

}  // namespace nsq::storage
