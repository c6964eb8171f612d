#include "storage/buffer.h"

#include <array>
#include <bit>

#include "base/mutex.h"

namespace nsq::storage {
namespace {

// Sizes that are kept are powers of two, from 64 KiB to 8 MiB, and of each as many as these are: a
// buffer is as large as the next of them, of which what is never written to takes no memory.
constexpr std::size_t kSmallestKept = std::size_t{64} << 10;
constexpr std::size_t kSizes = 8;
constexpr std::array<std::size_t, kSizes> kKept{8, 8, 8, 8, 4, 2, 1, 1};
constexpr std::size_t kMostKept = 8;

constexpr std::size_t bytes_of(std::size_t size) {
  return kSmallestKept << size;
}

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
    if (row.count == kKept[size]) return false;
    row.buffers[row.count++] = bytes;
    return true;
  }

 private:
  struct Row {
    std::array<char*, kMostKept> buffers{};
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
  if (!kKeeps || capacity <= kSmallestKept / 2 || capacity > bytes_of(kSizes - 1)) return kSizes;
  const std::size_t units = (capacity + kSmallestKept - 1) / kSmallestKept;
  return static_cast<std::size_t>(std::bit_width(units - 1));
}

}  // namespace

Buffer::Buffer(std::size_t capacity) : capacity_(capacity) {
  const std::size_t size = size_class(capacity);
  if (size < kSizes) bytes_ = shelf().take(size);
  if (bytes_ == nullptr) bytes_ = new char[size < kSizes ? bytes_of(size) : capacity];
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
