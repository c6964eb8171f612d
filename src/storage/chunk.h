#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "storage/buffer.h"
#include "storage/record.h"

namespace nsq::storage {

// Some of a log's records in one piece of memory, encoded as they are on disk: either the newest,
// still being appended to, or some read back. Shared by all who read from it; gone with the last.
//
// Threading: one writer at a time may append and take back. Others may at the same time call
// covers() and find() for records they have been told of.
class Chunk {
 public:
  // For appending: room for `capacity` bytes, the first record's index being `begin`.
  Chunk(Index begin, std::size_t capacity, LogIdentity identity)
      : range_begin_(begin),
        range_end_(begin),
        capacity_(capacity),
        identity_(identity),
        bytes_(capacity),
        offsets_(offset_bytes(capacity)) {}

  // For what was read back: the first `size` of `bytes`, in which the caller then notes the
  // records.
  Chunk(Index begin, Buffer bytes, std::size_t size, LogIdentity identity)
      : range_begin_(begin),
        range_end_(begin),
        capacity_(size),
        identity_(identity),
        size_(size),
        bytes_(std::move(bytes)),
        offsets_(offset_bytes(size)) {}

  // Whether every record that exists at this index is in here.
  bool covers(Index index) const {
    return index >= range_begin_ && index < range_end_.load(std::memory_order_acquire);
  }
  // The record of that index; none if there is a gap or damage. Requires: covers(index).
  std::optional<Record> find(Index index) const;
  // Calls `take(const Record&)` for the records of consecutive indexes from `range.begin` on, until
  // it says no, or the first that is not there; returns the index behind the last one given to it.
  // Requires: covers all of the range.
  template <typename Take>
  Index for_row(IndexRange range, Take take) const {
    std::size_t position = position_at(range.begin);
    const std::size_t behind = dense_ ? range.end - range_begin_ : count_;
    Index index = range.begin;
    for (; index < range.end && position < behind; ++position) {
      const Record record = view_record(bytes_.get() + offset(position), identity_.node_id);
      if (record.index != index) break;
      ++index;
      if (!take(record)) break;
    }
    return index;
  }
  // The index of the first record at or behind `index`, or the end of the range. Requires: covers.
  Index next_present(Index index) const;

  Index begin() const { return range_begin_; }
  Index end() const { return range_end_.load(std::memory_order_acquire); }
  std::size_t capacity() const { return capacity_; }

  // --- for the writer --------------------------------------------------------------------------
  std::size_t size() const { return size_; }
  const char* data() const { return bytes_.get(); }
  bool has_room(std::size_t bytes) const { return capacity_ - size_ >= bytes; }
  // Requires: room, and an index at or above end().
  void append(const Record& record);
  // Says that a record stands at this offset. Requires: ascending.
  void note_record(Index index, std::size_t offset);
  // Says that there are no records between the last one and `end`. Only for what was read back.
  void extend_range(Index end);
  // Takes back records from the end that nobody has been told of.
  void truncate(std::size_t bytes, Index end);

 private:
  static constexpr std::size_t offset_bytes(std::size_t capacity) {
    return (capacity / kRecordHeaderBytes + 1) * sizeof(std::uint32_t);
  }
  std::size_t offset(std::size_t position) const {
    return load_little<std::uint32_t>(offsets_.get() + position * sizeof(std::uint32_t));
  }
  std::size_t position_of(Index index) const;  // of the first record at or behind it, in offsets_
  // The same. A chunk being appended to is always dense, so that this reads nothing the writer may
  // be changing.
  std::size_t position_at(Index index) const {
    return dense_ ? index - range_begin_ : position_of(index);
  }

  const Index range_begin_;
  std::atomic<Index> range_end_;
  const std::size_t capacity_;
  const LogIdentity identity_;
  std::size_t size_ = 0;
  std::size_t count_ = 0;
  bool dense_ = true;  // no gaps: the record of index i is number i - begin
  Buffer bytes_;
  Buffer offsets_;  // where each record starts, as 32-bit numbers
};

}  // namespace nsq::storage
