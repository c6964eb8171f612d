#include "nsq/message.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "client/answers.h"
#include "client/client_log.h"
#include "client/delivery.h"

namespace nsq {

using client::AnswerState;
using client::Delivery;

namespace {

// Tells the I/O thread about it, if nobody else will look.
bool announce(client::Batch* batch, std::uint32_t index, AnswerState::Outcome outcome) {
  if (outcome == AnswerState::Outcome::MustAnnounce) {
    batch->origin->answers->add({client::BatchRef(batch), index, index + 1});
  }
  return outcome != AnswerState::Outcome::TooLate;
}

}  // namespace

Message::Message(const Message& other) noexcept
    : batch_(other.batch_), index_(other.index_), owns_(true) {
  batch_->add_reference();
}

// What does not own is a worker's, which goes on using it.
Message::Message(Message&& other) noexcept : Message(std::as_const(other)) {}

Message& Message::operator=(Message other) noexcept {
  std::swap(batch_, other.batch_);
  std::swap(index_, other.index_);
  std::swap(owns_, other.owns_);
  return *this;
}

Message::~Message() {
  if (owns_) batch_->release();
}

std::string_view Message::body() const {
  return body_of((*batch_)[index_]);
}
std::string_view Message::id() const {
  return id_of((*batch_)[index_]);
}
std::uint16_t Message::attempts() const {
  return attempts_of((*batch_)[index_]);
}
std::chrono::sys_time<std::chrono::nanoseconds> Message::timestamp() const {
  return std::chrono::sys_time<std::chrono::nanoseconds>(
      std::chrono::nanoseconds(timestamp_of((*batch_)[index_]).nanoseconds()));
}
const std::string& Message::nsqd_address() const {
  return batch_->origin->address;
}
const std::string& Message::topic() const {
  return batch_->origin->answers->topic();
}
const std::string& Message::channel() const {
  return batch_->origin->answers->channel();
}

bool Message::finish() {
  return announce(batch_, index_, (*batch_)[index_].answer.answer(AnswerState::Finished));
}

bool Message::requeue(Backoff backoff) {
  return requeue_with(batch_->origin->answers->requeue_delay_ms(attempts()), backoff);
}

bool Message::requeue(std::chrono::nanoseconds delay, Backoff backoff) {
  return requeue_with(std::chrono::duration_cast<std::chrono::milliseconds>(delay).count(),
                      backoff);
}

bool Message::requeue_with(std::int64_t delay_ms, Backoff backoff) {
  constexpr std::int64_t kLongestMs = std::numeric_limits<std::int32_t>::max();
  const auto kind = backoff == Backoff::Yes ? AnswerState::Requeued : AnswerState::RequeuedNeutral;
  const auto bounded = std::clamp<std::int64_t>(delay_ms, 0, kLongestMs);
  return announce(batch_, index_, (*batch_)[index_].answer.answer(kind, bounded));
}

bool Message::fail(std::string_view reason) {
  if (!requeue()) return false;
  batch_->origin->log->error("Handler returned error ({}) for msg {}", reason, id());
  return true;
}

std::chrono::nanoseconds Message::timeout() const {
  return batch_->origin->timeout;
}
std::chrono::nanoseconds Message::max_timeout() const {
  return batch_->origin->max_timeout;
}

void Message::touch() {
  if (!(*batch_)[index_].answer.is_open()) return;
  batch_->origin->answers->add_touch({client::BatchRef(batch_), index_, index_ + 1});
}

void Message::disable_auto_response() {
  (*batch_)[index_].keeps_quiet.store(true, std::memory_order_relaxed);
}
bool Message::is_auto_response_disabled() const {
  return (*batch_)[index_].keeps_quiet.load(std::memory_order_relaxed);
}
bool Message::has_responded() const {
  return !(*batch_)[index_].answer.is_open();
}

}  // namespace nsq
