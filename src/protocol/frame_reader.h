#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/instant.h"
#include "protocol/frame.h"
#include "protocol/message_id.h"

// The receiving half of frame.h, for programs that talk to a daemon.
namespace nsq::protocol {

struct Frame {
  std::int32_t type = 0;  // a FrameType, or whatever a newer daemon sends
  std::string_view data;  // lies in the input
  std::size_t consumed = 0;

  bool is(FrameType wanted) const { return type == static_cast<std::int32_t>(wanted); }
};

// A message as it arrived; the body lies in the frame it came in.
struct ReceivedMessage {
  Timestamp timestamp;
  std::uint16_t attempts = 0;
  // Kept as text: it is what FIN must echo byte for byte, whatever a daemon may put here.
  std::string_view id;
  std::string_view body;
};

// Cuts a daemon's stream into frames. Keeps no state: the caller hands in everything it has not
// consumed yet, from the first such byte on.
class FrameReader {
 public:
  enum class Outcome { Frame, NeedMore, BadSize };

  // Frames whose size field is over `max_frame_bytes` are refused before their data is awaited.
  explicit FrameReader(std::size_t max_frame_bytes) : max_frame_bytes_(max_frame_bytes) {}

  // Frame:    `frame()` is set; the next one begins `consumed` bytes further on.
  // NeedMore: nothing can be said before `input` is at least `needed_bytes()` long.
  // BadSize:  the size is negative, too small for a type, or over the limit. The stream is lost.
  Outcome read(std::string_view input);

  const Frame& frame() const { return frame_; }
  std::size_t needed_bytes() const { return needed_bytes_; }

 private:
  std::size_t max_frame_bytes_;
  Frame frame_;
  std::size_t needed_bytes_ = 0;
};

// Takes the data of a message frame apart. Empty if it is too short to be one.
std::optional<ReceivedMessage> parse_message(std::string_view data);

}  // namespace nsq::protocol
