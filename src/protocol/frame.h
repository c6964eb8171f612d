#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/instant.h"
#include "protocol/error_code.h"
#include "protocol/message_id.h"

// What a daemon sends: frames of a big-endian size (of all that follows it), a type and data.
// docs/protocol.md shows the bytes.
namespace nsq::protocol {

enum class FrameType : std::int32_t { Response = 0, Error = 1, Message = 2 };

// The first four bytes of a client's connection; nothing else speaks this protocol.
inline constexpr std::string_view kMagicV2 = "  V2";

inline constexpr std::size_t kFrameSizeBytes = 4;  // the size field
inline constexpr std::size_t kFrameTypeBytes = 4;
inline constexpr std::size_t kFrameHeaderBytes = kFrameSizeBytes + kFrameTypeBytes;
// Timestamp, attempts and id, in front of every message's body.
inline constexpr std::size_t kMessageHeaderBytes =
    sizeof(std::int64_t) + sizeof(std::uint16_t) + kMessageIdBytes;
inline constexpr std::size_t kMessageFrameHeaderBytes = kFrameHeaderBytes + kMessageHeaderBytes;
static_assert(kMessageHeaderBytes == 26);
static_assert(kMessageFrameHeaderBytes == 34);

namespace detail {
template <std::size_t N>
constexpr auto response_frame(const char (&data)[N]) {
  constexpr std::size_t data_bytes = N - 1;
  std::array<char, kFrameHeaderBytes + data_bytes> frame{};
  static_assert(data_bytes + kFrameTypeBytes < 128);
  frame[3] = static_cast<char>(data_bytes + kFrameTypeBytes);
  for (std::size_t i = 0; i < data_bytes; ++i) frame[kFrameHeaderBytes + i] = data[i];
  return frame;
}
inline constexpr auto kOk = response_frame("OK");
inline constexpr auto kHeartbeat = response_frame("_heartbeat_");
inline constexpr auto kCloseWait = response_frame("CLOSE_WAIT");
}  // namespace detail

// The three fixed responses, whole frames.
inline constexpr std::string_view kOkFrame{detail::kOk.data(), detail::kOk.size()};
inline constexpr std::string_view kHeartbeatFrame{detail::kHeartbeat.data(),
                                                  detail::kHeartbeat.size()};
inline constexpr std::string_view kCloseWaitFrame{detail::kCloseWait.data(),
                                                  detail::kCloseWait.size()};
// The data of a heartbeat, as a client sees it.
inline constexpr std::string_view kHeartbeat = "_heartbeat_";

// Appends one frame to `out`.
void append_frame(std::string& out, FrameType type, std::string_view data);
inline void append_response(std::string& out, std::string_view data) {
  append_frame(out, FrameType::Response, data);
}
void append_error(std::string& out, const ProtocolError& error);

// Writes to `to` the kMessageFrameHeaderBytes that come before a message's body. Header and body
// are apart so that a body can be sent from where it lies.
inline void encode_message_frame_header(char* to, Timestamp timestamp, std::uint16_t attempts,
                                        MessageId id, std::size_t body_bytes) {
  store_big(to, static_cast<std::uint32_t>(kFrameTypeBytes + kMessageHeaderBytes + body_bytes));
  store_big(to + 4, static_cast<std::int32_t>(FrameType::Message));
  store_big(to + 8, timestamp.nanoseconds());
  store_big(to + 16, attempts);
  id.encode(to + 18);
}

}  // namespace nsq::protocol
