#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace nsq::client {

// A stretch of memory that bytes are received into once and messages then lie in, for as long as
// one of them is kept. It goes with its last reference.
//
// Threading: the count is shared; the bytes are written by the buffer that made the block, and only
// behind what anyone else has been shown.
class BlockRef {
 public:
  BlockRef() = default;
  static BlockRef make(std::size_t bytes);
  BlockRef(const BlockRef& other) : block_(other.block_) {
    if (block_) block_->references.fetch_add(1, std::memory_order_relaxed);
  }
  BlockRef(BlockRef&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  BlockRef& operator=(BlockRef other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~BlockRef();

  explicit operator bool() const { return block_ != nullptr; }
  char* data() const { return reinterpret_cast<char*>(block_ + 1); }
  std::size_t size() const { return block_->bytes; }
  // Whether nobody else holds it.
  bool is_sole() const { return block_->references.load(std::memory_order_acquire) == 1; }

 private:
  struct Block {
    std::atomic<std::uint32_t> references;
    std::size_t bytes;
  };
  explicit BlockRef(Block* block) : block_(block) {}

  Block* block_ = nullptr;
};

// What a connection has received and not yet taken apart. Taken bytes stay where they are while
// someone holds the block. Blocks start small and grow with the traffic; memory for a long frame is
// only taken as its bytes arrive, whatever its size field says.
//
// Threading: confined.
class InputBuffer {
 public:
  static constexpr std::size_t kMinBlockBytes = std::size_t{8} << 10;
  static constexpr std::size_t kMaxBlockBytes = std::size_t{256} << 10;  // but for a longer frame

  // Room for at least one more byte of a frame that is `frame_bytes` long altogether (0: unknown).
  struct Room {
    char* data;
    std::size_t bytes;
  };
  Room room(std::size_t frame_bytes);
  // So many bytes have been put there.
  void received(std::size_t bytes);

  std::string_view bytes() const {
    return block_ ? std::string_view(block_.data() + begin_, end_ - begin_) : std::string_view();
  }
  // So many of them are dealt with.
  void take(std::size_t bytes) { begin_ += bytes; }
  // What the bytes lie in.
  const BlockRef& block() const { return block_; }
  std::size_t capacity() const { return block_ ? block_.size() : 0; }

 private:
  void move_to_new_block(std::size_t bytes);

  BlockRef block_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t next_bytes_ = kMinBlockBytes;  // of the next block
  int small_reads_ = 0;  // in a row, of what would have fit a much smaller block
};

}  // namespace nsq::client
