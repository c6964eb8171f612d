#include "client/delivery.h"

#include <new>

#include "base/bytes.h"
#include "protocol/frame.h"

namespace nsq::client {

AnswerState::Outcome AnswerState::answer(Kind kind, std::int64_t delay_ms) {
  const std::uint64_t answered = static_cast<std::uint64_t>(delay_ms) << 8 | kind;
  std::uint64_t before = Open;
  if (state_.compare_exchange_strong(before, answered, std::memory_order_acq_rel)) {
    return Outcome::Answered;
  }
  if (before != Late) return Outcome::TooLate;
  return state_.compare_exchange_strong(before, answered, std::memory_order_acq_rel)
             ? Outcome::MustAnnounce
             : Outcome::TooLate;
}

AnswerState::Kind AnswerState::collect(bool last_look) {
  std::uint64_t seen = state_.load(std::memory_order_acquire);
  if (seen == Open && last_look &&
      state_.compare_exchange_strong(seen, Late, std::memory_order_acq_rel)) {
    return Late;
  }
  const Kind kind = kind_of(seen);
  // The delay stays readable.
  if (kind > Late && kind != Collected) {
    state_.store((seen & ~std::uint64_t{0xff}) | Collected, std::memory_order_release);
  }
  return kind;
}

void Batch::release() {
  if (references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  // Deliveries need no destruction.
  this->~Batch();
  ::operator delete(this);
}

BatchRef BatchRef::make(std::shared_ptr<const Origin> origin, BlockRef block,
                        std::span<const std::string_view> messages) {
  void* memory = ::operator new(sizeof(Batch) + messages.size() * sizeof(Delivery));
  BatchRef batch;
  batch.batch_ = new (memory)
      Batch(std::move(origin), std::move(block), static_cast<std::uint32_t>(messages.size()));
  Delivery* next = batch->deliveries();
  for (const std::string_view message : messages) {
    Delivery* delivery = new (next++) Delivery;
    delivery->data = message.data();
    delivery->body_bytes =
        static_cast<std::uint32_t>(message.size() - protocol::kMessageHeaderBytes);
  }
  return batch;
}

std::string_view id_of(const Delivery& delivery) {
  return {delivery.data + 10, protocol::kMessageIdBytes};
}
std::uint16_t attempts_of(const Delivery& delivery) {
  return load_big<std::uint16_t>(delivery.data + 8);
}
Timestamp timestamp_of(const Delivery& delivery) {
  return Timestamp{load_big<std::int64_t>(delivery.data)};
}
std::string_view body_of(const Delivery& delivery) {
  return {delivery.data + protocol::kMessageHeaderBytes, delivery.body_bytes};
}

}  // namespace nsq::client
