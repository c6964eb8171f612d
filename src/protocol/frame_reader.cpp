#include "protocol/frame_reader.h"

#include "base/bytes.h"

namespace nsq::protocol {

FrameReader::Outcome FrameReader::read(std::string_view input) {
  if (input.size() < kFrameSizeBytes) {
    needed_bytes_ = kFrameHeaderBytes;
    return Outcome::NeedMore;
  }
  const auto size = load_big<std::int32_t>(input.data());
  if (size < static_cast<std::int32_t>(kFrameTypeBytes)) return Outcome::BadSize;
  const auto frame_bytes = static_cast<std::size_t>(size);
  if (frame_bytes > max_frame_bytes_) return Outcome::BadSize;
  if (input.size() < kFrameSizeBytes + frame_bytes) {
    needed_bytes_ = kFrameSizeBytes + frame_bytes;
    return Outcome::NeedMore;
  }
  frame_ = {.type = load_big<std::int32_t>(input.data() + kFrameSizeBytes),
            .data = input.substr(kFrameHeaderBytes, frame_bytes - kFrameTypeBytes),
            .consumed = kFrameSizeBytes + frame_bytes};
  return Outcome::Frame;
}

std::optional<ReceivedMessage> parse_message(std::string_view data) {
  if (data.size() < kMessageHeaderBytes) return std::nullopt;
  return ReceivedMessage{.timestamp = Timestamp{load_big<std::int64_t>(data.data())},
                         .attempts = load_big<std::uint16_t>(data.data() + 8),
                         .id = data.substr(10, kMessageIdBytes),
                         .body = data.substr(kMessageHeaderBytes)};
}

}  // namespace nsq::protocol
