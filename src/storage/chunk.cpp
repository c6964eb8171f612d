#include "storage/chunk.h"

namespace nsq::storage {

void Chunk::append(const Record& record) {
  char* const to = bytes_.get() + size_;
  const char* const end = encode_record(to, record, identity_);
  note_record(record.index, size_);
  size_ += static_cast<std::size_t>(end - to);
}

void Chunk::note_record(Index index, std::size_t at) {
  if (index != range_begin_ + count_) dense_ = false;
  store_little(offsets_.get() + count_++ * sizeof(std::uint32_t), static_cast<std::uint32_t>(at));
  range_end_.store(index + 1, std::memory_order_release);
}

void Chunk::extend_range(Index end) {
  if (end != range_begin_ + count_) dense_ = false;
  range_end_.store(end, std::memory_order_release);
}

void Chunk::truncate(std::size_t bytes, Index end) {
  while (count_ > 0 && offset(count_ - 1) >= bytes) --count_;
  size_ = bytes;
  range_end_.store(end, std::memory_order_release);
}

std::size_t Chunk::position_of(Index index) const {
  std::size_t low = 0;
  std::size_t high = count_;
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (view_record(bytes_.get() + offset(middle), 0).index < index) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

std::optional<Record> Chunk::find(Index index) const {
  if (dense_) return view_record(bytes_.get() + offset(index - range_begin_), identity_.node_id);
  const std::size_t position = position_of(index);
  if (position == count_) return std::nullopt;
  const Record record = view_record(bytes_.get() + offset(position), identity_.node_id);
  if (record.index != index) return std::nullopt;
  return record;
}

Index Chunk::next_present(Index index) const {
  if (dense_) return index;
  const std::size_t position = position_of(index);
  return position == count_ ? end() : view_record(bytes_.get() + offset(position), 0).index;
}

}  // namespace nsq::storage
