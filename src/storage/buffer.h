#pragma once

#include <cstddef>
#include <utility>

namespace nsq::storage {

// A piece of memory for a chunk. Large ones are not given back to the system but kept for the next
// chunk, up to 28 MiB if all sizes were in use at once: fresh memory comes page by page, each
// cleared and paid for with a fault, which costs more than filling it with messages does.
//
// Threading: a buffer is confined; making, destroying and trimming may happen on any thread.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t capacity);
  ~Buffer();
  Buffer(Buffer&& other) noexcept
      : bytes_(std::exchange(other.bytes_, nullptr)), capacity_(other.capacity_) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(capacity_, other.capacity_);
    return *this;
  }

  char* get() const { return bytes_; }

  // Gives back what is kept for later.
  static void trim();

 private:
  char* bytes_ = nullptr;
  std::size_t capacity_ = 0;
};

}  // namespace nsq::storage
