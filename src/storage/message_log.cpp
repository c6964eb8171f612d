#include "storage/message_log.h"

#include <algorithm>

#include "base/assert.h"

namespace nsq::storage {
namespace {

// Chunks grow from the first to the second as a topic shows to be busy, so that thousands of quiet
// topics cost little and a busy one few allocations.
constexpr std::size_t kSmallestChunkBytes = 4 << 10;
constexpr std::size_t kLargestChunkBytes = 256 << 10;

}  // namespace

MessageLog::MessageLog(FileSystem& files, std::string directory, LogOptions options)
    : files_(files),
      directory_(std::move(directory)),
      options_(options),
      next_chunk_bytes_(kSmallestChunkBytes),
      end_(options.first),
      written_end_(options.first) {}

MessageLog::~MessageLog() = default;

// --- writing -----------------------------------------------------------------------------------

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
    record.in_batch = i > 0;
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
    drop_oldest_chunk();
  }
}

void MessageLog::drop_oldest_chunk() {
  window_bytes_ -= window_.front().chunk->capacity();
  window_.pop_front();
  // All is finished: the topic may be quiet from now on.
  if (window_.empty()) next_chunk_bytes_ = std::max(kSmallestChunkBytes, next_chunk_bytes_ / 2);
}

// --- reading -----------------------------------------------------------------------------------

std::shared_ptr<const Chunk> MessageLog::find_in_memory(Index index) const {
  Lock lock(mutex_);
  const auto behind =
      std::upper_bound(window_.begin(), window_.end(), index,
                       [](Index i, const WindowChunk& entry) { return i < entry.chunk->begin(); });
  if (behind == window_.begin()) return nullptr;
  const auto& chunk = std::prev(behind)->chunk;
  return chunk->covers(index) ? chunk : nullptr;
}

// The segment that holds the index or, if that is in a gap, the next one behind.
std::optional<MessageLog::SegmentEntry> MessageLog::segment_for(Index index) const {
  const auto behind = segments_.upper_bound(index);
  if (behind != segments_.begin() && std::prev(behind)->second.extent.end > index) {
    return std::prev(behind)->second;
  }
  if (behind == segments_.end()) return std::nullopt;
  return behind->second;
}

// Where the records go on, in memory only, of an index that is in no segment.
Index MessageLog::gap_end(Index index) const {
  for (const WindowChunk& entry : window_) {
    if (entry.chunk->end() > index) return std::max(entry.chunk->begin(), index + 1);
  }
  return std::max(end_, index + 1);
}

Result<std::shared_ptr<const Chunk>> MessageLog::read(Index from, std::size_t bytes) {
  SegmentEntry entry;
  {
    Lock lock(mutex_);
    auto found = segment_for(from);
    if (!found) {  // nothing of it is left
      auto empty = std::make_shared<Chunk>(from, 0, options_.identity);
      empty->extend_range(gap_end(from));
      return std::shared_ptr<const Chunk>(std::move(empty));
    }
    entry = std::move(*found);
  }
  std::uint64_t damaged = 0;
  auto chunk = entry.segment->read(from, bytes, entry.extent, damaged);
  Lock lock(mutex_);
  damaged_ += damaged;
  if (!chunk) return chunk.error();
  return std::shared_ptr<const Chunk>(std::move(chunk.value()));
}

// A few records from `index` on; nothing if it is in no segment.
Result<std::shared_ptr<const Chunk>> MessageLog::read_near(Index index) {
  SegmentEntry entry;
  {
    Lock lock(mutex_);
    auto found = segment_for(index);
    if (!found || found->segment->first() > index) return std::shared_ptr<const Chunk>();
    entry = std::move(*found);
  }
  std::uint64_t damaged = 0;
  auto chunk = entry.segment->read(index, kSmallestChunkBytes, entry.extent, damaged);
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
        auto read = read_near(index);
        if (!read) return read.error();
        source = std::move(read.value());
      }
      if (!source) continue;
      sources.push_back(std::move(source));
    }
    if (!sources.back()->covers(index)) continue;
    if (const auto record = sources.back()->find(index)) {
      found.push_back(*record);
      found.back().batch_goes_on = found.back().in_batch = false;
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

}  // namespace nsq::storage
