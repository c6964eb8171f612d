#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace nsq::daemon {

// Bytes that are appended at the end and forgotten from the front. Unlike a string it does not
// clear what is about to be written.
//
// Threading: confined.
class FrameBytes {
 public:
  FrameBytes() = default;
  // What is moved from is empty.
  FrameBytes(FrameBytes&& other) noexcept { *this = std::move(other); }
  FrameBytes& operator=(FrameBytes&& other) noexcept {
    bytes_ = std::move(other.bytes_);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
    return *this;
  }

  const char* data() const { return bytes_.get(); }
  std::size_t size() const { return size_; }
  std::size_t capacity() const { return capacity_; }

  void append(std::string_view bytes) {
    std::memcpy(room(bytes.size()), bytes.data(), bytes.size());
    size_ += bytes.size();
  }
  // Where the next `count` bytes go; the caller writes them and then says how many, with `grow`.
  char* room(std::size_t count) {
    if (capacity_ - size_ < count) reserve(size_ + count);
    return bytes_.get() + size_;
  }
  // Requires: room was asked for.
  void grow(std::size_t count) { size_ += count; }

  void erase_front(std::size_t count) {
    size_ -= count;
    std::memmove(bytes_.get(), bytes_.get() + count, size_);
  }
  // Forgets all of it, and keeps no more memory than `kept_bytes` for what comes.
  void clear(std::size_t kept_bytes) {
    size_ = 0;
    if (capacity_ <= kept_bytes) return;
    bytes_.reset();
    capacity_ = 0;
  }

 private:
  void reserve(std::size_t least) {
    const std::size_t capacity = std::max(least, 2 * capacity_);
    std::unique_ptr<char[]> bytes(new char[capacity]);
    if (size_ > 0) std::memcpy(bytes.get(), bytes_.get(), size_);
    bytes_ = std::move(bytes);
    capacity_ = capacity;
  }

  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace nsq::daemon
