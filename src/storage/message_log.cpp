#include "storage/message_log.h"

#include <algorithm>

#include "base/assert.h"

namespace nsq::storage {
namespace {

// Chunks grow from the first to the second as a topic shows to be busy, so that thousands of quiet
// topics cost little and a busy one few allocations.
constexpr std::size_t kSmallestChunkBytes = 4 << 10;
constexpr std::size_t kLargestChunkBytes = 256 << 10;
constexpr std::size_t kReadBytes = 512 << 10;
constexpr std::size_t kMaxPieces = 64;
// An active segment this small is kept although all in it is finished.
constexpr std::uint64_t kWorthRemovingBytes = 1 << 20;

}  // namespace

// What one write() is about: bytes of some chunks, which the shared pointers keep in place.
struct MessageLog::Pieces {
  std::vector<std::shared_ptr<Chunk>> chunks;
  std::vector<std::string_view> bytes;
  std::uint64_t total = 0;
  std::uint64_t records = 0;
  Index first = kNoIndex;
  Index end = 0;
};

MessageLog::MessageLog(FileSystem& files, std::string directory, LogOptions options)
    : files_(files),
      directory_(std::move(directory)),
      options_(options),
      next_chunk_bytes_(kSmallestChunkBytes),
      end_(options.first),
      written_end_(options.first) {}

MessageLog::~MessageLog() = default;

// --- writing
// --------------------------------------------------------------------------------------

Chunk& MessageLog::chunk_with_room(std::size_t bytes) {
  // A gap starts a new chunk, since a growing chunk is dense.
  if (!window_.empty() && window_.back().chunk->end() == end_ &&
      window_.back().chunk->has_room(bytes)) {
    return *window_.back().chunk;
  }
  const std::size_t capacity = std::max(next_chunk_bytes_, bytes);
  next_chunk_bytes_ = std::min(next_chunk_bytes_ * 2, kLargestChunkBytes);
  window_.push_back({std::make_shared<Chunk>(end_, capacity, options_.identity), 0});
  window_bytes_ += capacity;
  shrink_window();
  return *window_.back().chunk;
}

IndexRange MessageLog::append(std::span<const std::string_view> bodies, Timestamp timestamp,
                              Timestamp due) {
  NSQ_ASSERT(!bodies.empty());
  Lock lock(mutex_);
  Record record;
  record.timestamp = timestamp;
  record.due = due;
  std::size_t bytes = 0;
  for (const std::string_view body : bodies) {
    record.body = body;
    record.index = end_;
    record.id = native_id(options_.identity.node_id, end_);
    bytes += encoded_bytes(record, options_.identity.node_id);
  }
  Chunk& chunk = chunk_with_room(bytes);
  const IndexRange range{end_, end_ + bodies.size()};
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    record.index = end_++;
    record.id = native_id(options_.identity.node_id, record.index);
    record.body = bodies[i];
    record.batch_goes_on = i + 1 < bodies.size();
    chunk.append(record);
  }
  return range;
}

void MessageLog::skip_to(Index index) {
  Lock lock(mutex_);
  if (index <= end_) return;
  NSQ_ASSERT(end_ == written_end_);
  end_ = written_end_ = index;
}

Index MessageLog::end() const {
  Lock lock(mutex_);
  return end_;
}

void MessageLog::shrink_window() {
  if (!options_.on_disk) return;
  while (window_.size() > 1) {
    const WindowChunk& oldest = window_.front();
    const bool written = oldest.written_bytes == oldest.chunk->size();
    const bool outside = end_ - oldest.chunk->end() >= options_.window_messages ||
                         window_bytes_ > options_.window_bytes;
    if (!written || !outside) return;
    window_bytes_ -= oldest.chunk->capacity();
    window_.pop_front();
  }
}

MessageLog::Pieces MessageLog::collect_unwritten() {
  Pieces pieces;
  // What is unwritten is at the end, so that a long window costs nothing here.
  auto oldest = window_.end();
  while (oldest != window_.begin() &&
         std::prev(oldest)->written_bytes != std::prev(oldest)->chunk->size()) {
    --oldest;
  }
  for (; oldest != window_.end() && pieces.bytes.size() < kMaxPieces; ++oldest) {
    const WindowChunk& entry = *oldest;
    const std::size_t size = entry.chunk->size();
    if (pieces.first == kNoIndex) {
      pieces.first = view_record(entry.chunk->data() + entry.written_bytes, 0).index;
    }
    pieces.chunks.push_back(entry.chunk);
    pieces.bytes.emplace_back(entry.chunk->data() + entry.written_bytes,
                              size - entry.written_bytes);
    pieces.total += size - entry.written_bytes;
    pieces.end = entry.chunk->end();
  }
  if (pieces.first != kNoIndex) pieces.records = pieces.end - pieces.first;
  return pieces;
}

Result<Index> MessageLog::write() {
  Pieces pieces;
  std::uint64_t offset = 0;
  bool roll = false;
  {
    Lock lock(mutex_);
    if (options_.on_disk) pieces = collect_unwritten();
    // Nothing, or nothing any more: what is released before it was written need not be.
    if (pieces.bytes.empty()) return written_end_ = end_;
    roll = !active_;
    if (active_) {
      const std::uint64_t bytes = segments_.rbegin()->second.extent.bytes;
      roll = bytes > kSegmentHeaderBytes && bytes + pieces.total > options_.max_bytes_per_file;
      offset = bytes;
    }
  }
  if (roll) {
    if (auto started = start_segment(pieces.first); !started) return started.error();
    offset = kSegmentHeaderBytes;
  }
  if (auto written = active_file_->write_at(pieces.bytes, offset); !written) {
    // What was written of it must not be taken for records later. If this fails too, the checksums
    // and the marks of unfinished batches still tell.
    [[maybe_unused]] const auto cut = active_file_->truncate(offset);
    return written.error();
  }
  Lock lock(mutex_);
  auto entry = window_.rbegin();
  for (std::size_t left = pieces.chunks.size(); left > 0 && entry != window_.rend(); ++entry) {
    if (entry->chunk != pieces.chunks[left - 1]) continue;
    entry->written_bytes += pieces.bytes[--left].size();
  }
  SegmentEntry& active = segments_.rbegin()->second;
  active.segment->note_place(pieces.first, offset);
  active.extent.bytes = offset + pieces.total;
  active.extent.end = pieces.end;
  active.records += pieces.records;
  written_end_ = pieces.end;
  if (unsynced_.empty() || unsynced_.back() != active_file_) unsynced_.push_back(active_file_);
  shrink_window();
  return written_end_;
}

// Creates the file the next records go to. The one before is sealed by this.
Result<void> MessageLog::start_segment(Index first) {
  if (!directory_made_) {
    if (auto made = files_.create_directory(directory_); !made) return made;
    directory_made_ = true;
  }
  const std::string path = segment_path(first);
  auto opened = files_.open(path, FileSystem::Mode::Create);
  if (!opened) return opened.error();
  std::shared_ptr<File> file = std::move(opened.value());
  char header[kSegmentHeaderBytes];
  encode_segment_header(header, options_.identity);
  const std::string_view bytes(header, sizeof header);
  auto written = file->truncate(0);
  if (written) written = file->write_at(std::span(&bytes, 1), 0);
  if (!written) {
    [[maybe_unused]] const auto removed = files_.remove(path);
    return written;
  }
  auto segment = std::make_shared<Segment>(files_, path, first, options_.identity);
  segment->set_file(file);
  active_file_ = std::move(file);
  Lock lock(mutex_);
  // The segment before ends where this one begins, whatever was skipped in between.
  if (!segments_.empty()) segments_.rbegin()->second.extent.end = first;
  segments_[first] = {std::move(segment), {first, kSegmentHeaderBytes}, 0};
  active_ = true;
  directory_unsynced_ = true;
  return {};
}

bool MessageLog::has_unwritten() const {
  Lock lock(mutex_);
  return written_end_ != end_;
}

bool MessageLog::must_spill() const {
  Lock lock(mutex_);
  if (!options_.on_disk) return false;
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

Result<LogPosition> MessageLog::sync() {
  std::vector<std::shared_ptr<File>> files;
  bool directory = false;
  LogPosition position;
  {
    Lock lock(mutex_);
    files.swap(unsynced_);
    directory = std::exchange(directory_unsynced_, false);
    position.index = written_end_;
    if (!segments_.empty()) {
      position.segment = segments_.rbegin()->first;
      position.offset = segments_.rbegin()->second.extent.bytes;
    }
  }
  Result<void> done;
  for (const auto& file : files) {
    if (done) done = file->sync();
  }
  if (done && directory) done = files_.sync_directory(directory_);
  if (done) return position;
  Lock lock(mutex_);
  unsynced_.insert(unsynced_.begin(), files.begin(), files.end());
  directory_unsynced_ = directory_unsynced_ || directory;
  return done.error();
}

bool MessageLog::has_unsynced() const {
  Lock lock(mutex_);
  return !unsynced_.empty() || directory_unsynced_;
}

// --- reading
// --------------------------------------------------------------------------------------

std::shared_ptr<const Chunk> MessageLog::find_in_memory(Index index) const {
  Lock lock(mutex_);
  const auto behind =
      std::upper_bound(window_.begin(), window_.end(), index,
                       [](Index i, const WindowChunk& entry) { return i < entry.chunk->begin(); });
  if (behind == window_.begin()) return nullptr;
  const auto& chunk = std::prev(behind)->chunk;
  return chunk->covers(index) ? chunk : nullptr;
}

std::optional<MessageLog::SegmentEntry> MessageLog::segment_for(Index index) const {
  Lock lock(mutex_);
  auto behind = segments_.upper_bound(index);
  if (behind != segments_.begin() && std::prev(behind)->second.extent.end > index) {
    return std::prev(behind)->second;
  }
  if (behind == segments_.end()) return std::nullopt;
  return behind->second;  // the index is in a gap: what comes next
}

Result<std::shared_ptr<const Chunk>> MessageLog::read(Index from) {
  const auto entry = segment_for(from);
  if (!entry) {  // nothing of it is left
    auto empty = std::make_shared<Chunk>(from, 0, options_.identity);
    Lock lock(mutex_);
    empty->extend_range(std::max(written_end_, from + 1));
    return std::shared_ptr<const Chunk>(std::move(empty));
  }
  std::uint64_t damaged = 0;
  auto chunk = entry->segment->read(from, kReadBytes, entry->extent, damaged);
  Lock lock(mutex_);
  damaged_ += damaged;
  if (!chunk) return chunk.error();
  return std::shared_ptr<const Chunk>(std::move(chunk.value()));
}

Result<std::shared_ptr<const Chunk>> MessageLog::read_each(std::span<const Index> indexes) {
  NSQ_ASSERT(!indexes.empty());
  std::vector<Record> found;
  std::vector<std::shared_ptr<const Chunk>> sources;
  std::size_t bytes = 0;
  for (const Index index : indexes) {
    if (sources.empty() || !sources.back()->covers(index)) {
      auto source = find_in_memory(index);
      if (!source) {
        const auto entry = segment_for(index);
        if (!entry || entry->segment->first() > index) continue;
        std::uint64_t damaged = 0;
        auto chunk = entry->segment->read(index, kSmallestChunkBytes, entry->extent, damaged);
        if (!chunk) return chunk.error();
        source = std::move(chunk.value());
      }
      sources.push_back(std::move(source));
    }
    if (!sources.back()->covers(index)) continue;
    if (const auto record = sources.back()->find(index)) {
      found.push_back(*record);
      found.back().batch_goes_on = false;
      bytes += encoded_bytes(found.back(), options_.identity.node_id);
    }
  }
  auto chunk = std::make_shared<Chunk>(indexes.front(), bytes, options_.identity);
  for (const Record& record : found) chunk->append(record);
  chunk->extend_range(indexes.back() + 1);
  return std::shared_ptr<const Chunk>(std::move(chunk));
}

Index MessageLog::window_begin() const {
  Lock lock(mutex_);
  return window_.empty() ? end_ : window_.front().chunk->begin();
}

std::uint64_t MessageLog::disk_bytes() const {
  Lock lock(mutex_);
  std::uint64_t bytes = 0;
  for (const auto& [first, entry] : segments_) bytes += entry.extent.bytes;
  return bytes;
}

std::uint64_t MessageLog::damaged() const {
  Lock lock(mutex_);
  return damaged_;
}

// --- giving up space
// ------------------------------------------------------------------------------

std::vector<std::shared_ptr<Segment>> MessageLog::release(Index floor) {
  std::vector<std::shared_ptr<Segment>> released;
  Lock lock(mutex_);
  while (window_.size() > 1 && window_.front().chunk->end() <= floor) {
    // In memory mode this may never have been written; now it need not be.
    window_bytes_ -= window_.front().chunk->capacity();
    window_.pop_front();
  }
  while (segments_.size() > 1 && segments_.begin()->second.extent.end <= floor) {
    released.push_back(segments_.begin()->second.segment);
    segments_.erase(segments_.begin());
  }
  // All of the log is finished: the active segment can go too; the next write starts another.
  if (segments_.size() == 1 && floor >= end_ && written_end_ == end_ &&
      segments_.begin()->second.extent.bytes >= kWorthRemovingBytes) {
    released.push_back(segments_.begin()->second.segment);
    segments_.clear();
    active_ = false;
  }
  return released;
}

Result<void> MessageLog::remove(const std::vector<std::shared_ptr<Segment>>& segments) {
  Result<void> done;
  for (const auto& segment : segments) {
    if (auto removed = files_.remove(segment->path()); !removed && done) done = removed;
  }
  return done;
}

std::vector<MessageLog::SegmentState> MessageLog::sealed_segments() const {
  std::vector<SegmentState> states;
  Lock lock(mutex_);
  for (auto it = segments_.begin(); it != segments_.end(); ++it) {
    if (active_ && std::next(it) == segments_.end()) break;
    states.push_back(
        {it->first, it->second.extent.end, it->second.extent.bytes, it->second.records});
  }
  return states;
}

Result<void> MessageLog::rewrite(Index first, const IntervalSet& keep) {
  SegmentEntry entry;
  {
    Lock lock(mutex_);
    const auto found = segments_.find(first);
    if (found == segments_.end() || (active_ && std::next(found) == segments_.end())) return {};
    entry = found->second;
  }
  const std::string& path = entry.segment->path();
  const std::string temporary = path + ".tmp";
  auto opened = files_.open(temporary, FileSystem::Mode::Create);
  if (!opened) return opened.error();
  std::shared_ptr<File> file = std::move(opened.value());
  if (auto done = file->truncate(0); !done) return done;
  char header[kSegmentHeaderBytes];
  encode_segment_header(header, entry.segment->identity());
  std::string buffer(header, sizeof header);
  std::uint64_t offset = 0;
  std::uint64_t records = 0;
  const auto flush = [&]() -> Result<void> {
    const std::string_view bytes = buffer;
    auto done = file->write_at(std::span(&bytes, 1), offset);
    offset += buffer.size();
    buffer.clear();
    return done;
  };

  std::uint64_t damaged = 0;  // has been, or will be, counted by whoever reads for delivery
  for (Index next = keep.next_present(first); next < entry.extent.end;) {
    auto chunk = entry.segment->read(next, kReadBytes, entry.extent, damaged);
    if (!chunk) return chunk.error();
    const Index behind = (*chunk)->end();
    for (; next < behind; next = keep.next_present(next + 1)) {
      auto record = (*chunk)->find(next);
      if (!record) continue;
      record->batch_goes_on = false;  // the batch is complete, or it would not be here
      const LogIdentity& identity = entry.segment->identity();
      const std::size_t start = buffer.size();
      buffer.resize(start + encoded_bytes(*record, identity.node_id));
      encode_record(buffer.data() + start, *record, identity);
      ++records;
    }
    if (buffer.size() >= kReadBytes) {
      if (auto done = flush(); !done) return done;
    }
  }
  if (auto done = flush(); !done) return done;
  if (auto done = file->sync(); !done) return done;
  if (auto done = files_.rename(temporary, path); !done) return done;
  auto segment = std::make_shared<Segment>(files_, path, first, entry.segment->identity());
  segment->set_file(std::move(file));
  Lock lock(mutex_);
  const auto found = segments_.find(first);
  if (found == segments_.end()) return {};
  found->second.segment = std::move(segment);
  found->second.extent.bytes = offset;
  found->second.records = records;
  directory_unsynced_ = true;
  return {};
}

}  // namespace nsq::storage
