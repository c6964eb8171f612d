#include "daemon/client_output.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "base/assert.h"

namespace nsq::daemon {
namespace {

// From here on, a part of its own costs less than copying the body.
constexpr std::size_t kPinnedBodyBytes = 4096;
// A stream that never runs dry drops what is written whenever it has become this much.
constexpr std::size_t kForgetBytes = std::size_t{64} << 10;
constexpr std::size_t kForgetPinned = 64;
// Memory kept for the next frames.
constexpr std::size_t kKeptBytes = std::size_t{512} << 10;

const std::shared_ptr<const storage::Chunk>& pin_of(const broker::Deliveries& deliveries,
                                                    std::string_view body) {
  const auto pin =
      std::find_if(deliveries.pins.rbegin(), deliveries.pins.rend(), [&](const auto& chunk) {
        return body.data() >= chunk->data() && body.data() < chunk->data() + chunk->capacity();
      });
  NSQ_ASSERT(pin != deliveries.pins.rend());
  return *pin;
}

}  // namespace

void ClientOutput::append(std::string_view frame) {
  bytes_.append(frame);
  size_ += frame.size();
}

void ClientOutput::append_response(std::string_view data) {
  std::string frame;
  protocol::append_response(frame, data);
  append(frame);
}

void ClientOutput::append_error(const protocol::ProtocolError& error) {
  std::string frame;
  protocol::append_error(frame, error);
  append(frame);
}

// Each frame is written where it is sent from.
void ClientOutput::append(const broker::Deliveries& deliveries) {
  for (const broker::Delivery& message : deliveries.messages) {
    const bool copies = message.body.size() < kPinnedBodyBytes;
    const std::size_t body_bytes = message.body.size();
    const std::size_t bytes = protocol::kMessageFrameHeaderBytes + (copies ? body_bytes : 0);
    char* const to = bytes_.room(bytes);
    protocol::encode_message_frame_header(to, message.timestamp, message.attempts, message.id,
                                          body_bytes);
    if (copies)
      std::memcpy(to + protocol::kMessageFrameHeaderBytes, message.body.data(), body_bytes);
    bytes_.grow(bytes);
    if (!copies) pinned_.push_back({bytes_.size(), message.body, pin_of(deliveries, message.body)});
    size_ += protocol::kMessageFrameHeaderBytes + body_bytes;
  }
}

std::span<const asio::const_buffer> ClientOutput::gather(
    std::span<asio::const_buffer> parts) const {
  std::size_t count = 0;
  std::size_t position = written_;
  for (std::size_t i = pinned_written_; count < parts.size(); ++i) {
    const std::size_t end = i < pinned_.size() ? pinned_[i].position : bytes_.size();
    if (position < end) parts[count++] = {bytes_.data() + position, end - position};
    position = end;
    if (i == pinned_.size() || count == parts.size()) break;
    parts[count++] = {pinned_[i].body.data(), pinned_[i].body.size()};
  }
  return parts.first(count);
}

void ClientOutput::consume(std::size_t count) {
  NSQ_ASSERT(count <= size_);
  size_ -= count;
  while (count > 0) {
    const bool copied_last = pinned_written_ == pinned_.size();
    const std::size_t end = copied_last ? bytes_.size() : pinned_[pinned_written_].position;
    const std::size_t copied = std::min(count, end - written_);
    written_ += copied;
    count -= copied;
    if (count == 0) break;
    std::string_view& body = pinned_[pinned_written_].body;
    const std::size_t from_body = std::min(count, body.size());
    body.remove_prefix(from_body);
    count -= from_body;
    if (body.empty()) pinned_[pinned_written_++].pin.reset();
  }
  forget_written();
}

void ClientOutput::clear() {
  bytes_.clear(kKeptBytes);
  pinned_.clear();
  size_ = written_ = pinned_written_ = 0;
}

void ClientOutput::forget_written() {
  if (size_ == 0) return clear();
  if (written_ < kForgetBytes && pinned_written_ < kForgetPinned) return;
  bytes_.erase_front(written_);
  pinned_.erase(pinned_.begin(), pinned_.begin() + static_cast<std::ptrdiff_t>(pinned_written_));
  for (Pinned& pinned : pinned_) pinned.position -= written_;
  written_ = pinned_written_ = 0;
}

}  // namespace nsq::daemon
