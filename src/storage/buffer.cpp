#include "storage/buffer.h"

#include <algorithm>
#include <array>
#include <bit>

#include "base/mutex.h"

namespace nsq::storage {
namespace {

// Powers of two from the first to the last size are kept, so many of each.
constexpr std::size_t kSmallestKept = std::size_t{64} << 10;
constexpr std::size_t kSizes = 4;
constexpr std::size_t kKept = 8;

// The sanitizers are to see every use of memory that was given back.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kKeeps = false;
#else
constexpr bool kKeeps = true;
#endif

// The one given back last is handed out first: the processor's caches may know it still.
class Shelf {
 public:
  // Null if there is none.
  char* take(std::size_t size) {
    Lock lock(mutex_);
    Row& row = rows_[size];
    return row.count == 0 ? nullptr : row.buffers[--row.count];
  }

  // Whether there was room for it.
  bool put(std::size_t size, char* bytes) {
    Lock lock(mutex_);
    Row& row = rows_[size];
    if (row.count == kKept) return false;
    row.buffers[row.count++] = bytes;
    return true;
  }

 private:
  struct Row {
    std::array<char*, kKept> buffers{};
    std::size_t count = 0;
  };
  Mutex mutex_;
  std::array<Row, kSizes> rows_ NSQ_GUARDED_BY(mutex_);
};

// Never destroyed: a thread may give a buffer back while the process ends.
Shelf& shelf() {
  static Shelf* const instance = new Shelf;
  return *instance;
}

// Which row of the shelf a buffer belongs to; kSizes for none.
std::size_t size_class(std::size_t capacity) {
  if (!kKeeps || !std::has_single_bit(capacity) || capacity < kSmallestKept) return kSizes;
  return std::min<std::size_t>(std::bit_width(capacity / kSmallestKept) - 1, kSizes);
}

}  // namespace

Buffer::Buffer(std::size_t capacity) : capacity_(capacity) {
  const std::size_t size = size_class(capacity);
  if (size < kSizes) bytes_ = shelf().take(size);
  if (bytes_ == nullptr) bytes_ = new char[capacity];
}

Buffer::~Buffer() {
  if (bytes_ == nullptr) return;
  const std::size_t size = size_class(capacity_);
  if (size == kSizes || !shelf().put(size, bytes_)) delete[] bytes_;
}

void Buffer::trim() {
  for (std::size_t size = 0; size < kSizes; ++size) {
    while (char* const bytes = shelf().take(size)) delete[] bytes;
  }
}

}  // namespace nsq::storage
