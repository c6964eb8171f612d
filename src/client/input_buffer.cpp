#include "client/input_buffer.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace nsq::client {
namespace {
constexpr int kPatience = 64;  // small reads before blocks become smaller
}

BlockRef BlockRef::make(std::size_t bytes) {
  void* memory = ::operator new(sizeof(Block) + bytes);
  return BlockRef(new (memory) Block{{1}, bytes});
}

BlockRef::~BlockRef() {
  if (!block_ || block_->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  block_->~Block();
  ::operator delete(block_);
}

InputBuffer::Room InputBuffer::room(std::size_t frame_bytes) {
  const std::size_t held = end_ - begin_;
  // A long frame gets twice what has come of it, until all of it fits.
  const std::size_t useful =
      std::min(std::max(frame_bytes, held + 1), std::max(2 * held, next_bytes_));
  if (!block_) {
    move_to_new_block(std::max(useful, next_bytes_));
  } else if (block_.is_sole() && held == 0) {
    begin_ = end_ = 0;
    if (block_.size() != next_bytes_) move_to_new_block(std::max(useful, next_bytes_));
  } else if (block_.is_sole() && begin_ > 0 && block_.size() - end_ < block_.size() / 4) {
    std::memmove(block_.data(), block_.data() + begin_, held);
    begin_ = 0;
    end_ = held;
  }
  const bool is_too_short = block_.size() - begin_ < useful;
  const bool is_nearly_full = block_.size() - end_ < std::min(block_.size(), next_bytes_) / 8;
  if (is_too_short || is_nearly_full) move_to_new_block(std::max(useful, next_bytes_));
  return {block_.data() + end_, block_.size() - end_};
}

void InputBuffer::received(std::size_t bytes) {
  const std::size_t offered = block_.size() - end_;
  end_ += bytes;
  if (bytes == offered && bytes >= next_bytes_ / 2) {
    next_bytes_ = std::min(4 * next_bytes_, kMaxBlockBytes);
    small_reads_ = 0;
  } else if (bytes >= next_bytes_ / 8) {
    small_reads_ = 0;
  } else if (++small_reads_ == kPatience) {
    next_bytes_ = std::max(next_bytes_ / 4, kMinBlockBytes);
    small_reads_ = 0;
  }
}

void InputBuffer::move_to_new_block(std::size_t bytes) {
  BlockRef block = BlockRef::make(bytes);
  const std::size_t held = end_ - begin_;
  if (held > 0) std::memcpy(block.data(), block_.data() + begin_, held);
  block_ = std::move(block);
  begin_ = 0;
  end_ = held;
}

}  // namespace nsq::client
