#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/instant.h"
#include "client/input_buffer.h"
#include "nsq/config.h"
#include "nsq/message.h"

// Messages between the I/O thread, the workers and whoever keeps them: one allocation for all that
// a read brought, and no lock to answer one.
namespace nsq::client {

class Answers;
class ClientLog;

// Where a message's answer has got to: a kind, and for requeues the delay. One compare-and-swap
// decides who is first.
//
//   Open       not answered; whoever ends the handler's turn looks at it
//   Late       not answered, and nobody looks any more: an answer is to be announced
//   Finished, Requeued, RequeuedNeutral
//   Collected  on its way to the daemon
class AnswerState {
 public:
  enum Kind : std::uint8_t { Open, Late, Finished, Requeued, RequeuedNeutral, Collected };

  Kind kind() const { return kind_of(state_.load(std::memory_order_acquire)); }
  std::int64_t delay_ms() const {
    return static_cast<std::int64_t>(state_.load(std::memory_order_relaxed) >> 8);
  }
  bool is_open() const { return kind() <= Late; }

  enum class Outcome { TooLate, Answered, MustAnnounce };
  Outcome answer(Kind kind, std::int64_t delay_ms = 0);
  // What there is to collect: Finished, Requeued, RequeuedNeutral; otherwise Open or Late when
  // there is no answer yet (with `last_look`, answers are announced from now on), or Collected.
  // Only the I/O thread collects.
  Kind collect(bool last_look);

 private:
  static Kind kind_of(std::uint64_t state) { return static_cast<Kind>(state & 0xff); }

  std::atomic<std::uint64_t> state_{Open};
};

struct Delivery {
  const char* data = nullptr;  // of the frame, in the batch's block
  std::uint32_t body_bytes = 0;
  std::atomic<bool> keeps_quiet{false};  // no automatic answer
  AnswerState answer;
};

// Where messages came from. Immutable.
struct Origin {
  std::string address;
  std::uint64_t connection = 0;
  std::shared_ptr<Answers> answers;
  std::shared_ptr<const ClientLog> log;
  Duration timeout{0};
  Duration max_timeout{0};
};

// The messages of one read. Shared by a count of references, which Message takes part in.
struct Batch {
  Batch(std::shared_ptr<const Origin> from, BlockRef in, std::uint32_t size)
      : origin(std::move(from)), block(std::move(in)), count(size) {}

  const std::shared_ptr<const Origin> origin;
  const BlockRef block;
  const std::uint32_t count;
  std::uint32_t claimed = 0;  // by workers; guarded by the pool's lock
  std::atomic<std::uint32_t> references{1};

  Delivery* deliveries() { return reinterpret_cast<Delivery*>(this + 1); }
  Delivery& operator[](std::uint32_t index) { return deliveries()[index]; }
  void add_reference() { references.fetch_add(1, std::memory_order_relaxed); }
  void release();
};
static_assert(alignof(Delivery) <= alignof(Batch));

class BatchRef {
 public:
  BatchRef() = default;
  // `messages` are the data of message frames, which lie in `block`.
  static BatchRef make(std::shared_ptr<const Origin> origin, BlockRef block,
                       std::span<const std::string_view> messages);
  // One more reference to it.
  explicit BatchRef(Batch* batch) : batch_(batch) { batch_->add_reference(); }
  BatchRef(const BatchRef& other) : batch_(other.batch_) {
    if (batch_) batch_->add_reference();
  }
  BatchRef(BatchRef&& other) noexcept : batch_(std::exchange(other.batch_, nullptr)) {}
  BatchRef& operator=(BatchRef other) noexcept {
    std::swap(batch_, other.batch_);
    return *this;
  }
  ~BatchRef() {
    if (batch_) batch_->release();
  }

  explicit operator bool() const { return batch_ != nullptr; }
  Batch* operator->() const { return batch_; }
  Batch& operator*() const { return *batch_; }
  Batch* get() const { return batch_; }

 private:
  Batch* batch_ = nullptr;
};

// Neighbouring messages of a batch.
struct Slice {
  BatchRef batch;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

// A message's parts.
std::string_view id_of(const Delivery& delivery);
std::uint16_t attempts_of(const Delivery& delivery);
Timestamp timestamp_of(const Delivery& delivery);
std::string_view body_of(const Delivery& delivery);

}  // namespace nsq::client
