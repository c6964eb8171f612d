#include "daemon/client_output.h"

#include <algorithm>

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
  bytes_ += frame;
  size_ += frame.size();
}

void ClientOutput::append_response(std::string_view data) {
  const std::size_t before = bytes_.size();
  protocol::append_response(bytes_, data);
  size_ += bytes_.size() - before;
}

void ClientOutput::append_error(const protocol::ProtocolError& error) {
  const std::size_t before = bytes_.size();
  protocol::append_error(bytes_, error);
  size_ += bytes_.size() - before;
}

void ClientOutput::append(const broker::Deliveries& deliveries) {
  char header[protocol::kMessageFrameHeaderBytes];
  for (const broker::Delivery& message : deliveries.messages) {
    protocol::encode_message_frame_header(header, message.timestamp, message.attempts, message.id,
                                          message.body.size());
    bytes_.append(header, sizeof header);
    if (message.body.size() < kPinnedBodyBytes) {
      bytes_ += message.body;
    } else {
      pinned_.push_back({bytes_.size(), message.body, pin_of(deliveries, message.body)});
    }
    size_ += sizeof header + message.body.size();
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
  bytes_.clear();
  if (bytes_.capacity() > kKeptBytes) bytes_.shrink_to_fit();
  pinned_.clear();
  size_ = written_ = pinned_written_ = 0;
}

void ClientOutput::forget_written() {
  if (size_ == 0) return clear();
  if (written_ < kForgetBytes && pinned_written_ < kForgetPinned) return;
  bytes_.erase(0, written_);
  pinned_.erase(pinned_.begin(), pinned_.begin() + static_cast<std::ptrdiff_t>(pinned_written_));
  for (Pinned& pinned : pinned_) pinned.position -= written_;
  written_ = pinned_written_ = 0;
}

}  // namespace nsq::daemon
