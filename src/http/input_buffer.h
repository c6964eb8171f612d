#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>

namespace nsq::http {

// Bytes read from a connection and not yet used up, in one piece: room at the end is filled by
// reads, bytes at the front are consumed. Memory that was never read into is never touched, so
// making room for a long body costs only what arrives of it.
//
// Threading: confined.
class InputBuffer {
 public:
  char* data() { return bytes_.get() + begin_; }
  const char* data() const { return bytes_.get() + begin_; }
  std::size_t size() const { return end_ - begin_; }
  std::size_t capacity() const { return capacity_; }

  // Room for at least `bytes` more; moves the contents if need be.
  std::span<char> make_room(std::size_t bytes) {
    if (capacity_ - end_ < bytes) relocate(size() + bytes);
    return {bytes_.get() + end_, capacity_ - end_};
  }
  void append_made(std::size_t bytes) { end_ += bytes; }

  void consume(std::size_t bytes) {
    begin_ += bytes;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  void drop_last(std::size_t bytes) { end_ -= bytes; }

  // Gives memory back if there is nothing in it.
  void release_if_empty() {
    if (size() != 0) return;
    bytes_.reset();
    begin_ = end_ = capacity_ = 0;
  }

 private:
  void relocate(std::size_t needed) {
    if (needed > capacity_) {
      const std::size_t capacity = needed > 2 * capacity_ ? needed : 2 * capacity_;
      std::unique_ptr<char[]> bytes(new char[capacity]);
      if (size() > 0) std::memcpy(bytes.get(), data(), size());
      bytes_ = std::move(bytes);
      capacity_ = capacity;
    } else if (size() > 0) {
      std::memmove(bytes_.get(), data(), size());
    }
    end_ -= begin_;
    begin_ = 0;
  }

  std::unique_ptr<char[]> bytes_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace nsq::http
