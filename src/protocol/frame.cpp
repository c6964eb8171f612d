#include "protocol/frame.h"

namespace nsq::protocol {

void append_frame(std::string& out, FrameType type, std::string_view data) {
  char header[kFrameHeaderBytes];
  store_big(header, static_cast<std::uint32_t>(kFrameTypeBytes + data.size()));
  store_big(header + kFrameSizeBytes, static_cast<std::int32_t>(type));
  out.append(header, sizeof header).append(data);
}

void append_error(std::string& out, const ProtocolError& error) {
  append_frame(out, FrameType::Error, error.to_string());
}

}  // namespace nsq::protocol
