#include "daemon/input_buffer.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"

namespace nsq::daemon {
namespace {

constexpr std::size_t kIdleBytes = 1024;
// As far as reads alone make it grow; only a command that is larger makes it larger.
constexpr std::size_t kBusyBytes = std::size_t{256} << 10;

}  // namespace

InputBuffer::InputBuffer() : bytes_(new char[kIdleBytes]), capacity_(kIdleBytes) {}

void InputBuffer::consume(std::size_t count) {
  NSQ_ASSERT(count <= end_ - begin_);
  begin_ += count;
  if (begin_ == end_) begin_ = end_ = 0;
}

std::span<char> InputBuffer::prepare(std::size_t needed) {
  std::size_t wanted = std::max(capacity_, needed);
  if (filled_ && capacity_ < kBusyBytes) wanted = std::max(wanted, 4 * capacity_);
  filled_ = false;
  const std::size_t unread_bytes = end_ - begin_;
  // Without moving there must be room for what is needed, and for a read worth its while.
  const std::size_t room = capacity_ - end_;
  if (wanted > capacity_) {
    move_to(wanted);
  } else if (begin_ > 0 && (begin_ + needed > capacity_ || room < capacity_ / 2)) {
    std::memmove(bytes_.get(), bytes_.get() + begin_, unread_bytes);
    begin_ = 0;
    end_ = unread_bytes;
  }
  if (end_ == capacity_) move_to(2 * capacity_);
  return {bytes_.get() + end_, capacity_ - end_};
}

void InputBuffer::commit(std::size_t count) {
  NSQ_ASSERT(count <= capacity_ - end_);
  end_ += count;
  filled_ = end_ == capacity_;
  most_used_ = std::max(most_used_, end_ - begin_);
}

void InputBuffer::shrink() {
  const std::size_t used = std::max(most_used_, end_ - begin_);
  if (capacity_ > kIdleBytes && used <= capacity_ / 4) move_to(std::max(kIdleBytes, 2 * used));
  most_used_ = end_ - begin_;
}

void InputBuffer::move_to(std::size_t capacity) {
  std::unique_ptr<char[]> bytes(new char[capacity]);
  const std::size_t unread_bytes = end_ - begin_;
  std::memcpy(bytes.get(), bytes_.get() + begin_, unread_bytes);
  bytes_ = std::move(bytes);
  capacity_ = capacity;
  begin_ = 0;
  end_ = unread_bytes;
}

}  // namespace nsq::daemon
