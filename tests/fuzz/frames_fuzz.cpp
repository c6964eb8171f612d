// Any bytes a daemon may send to a client.
#include <string_view>

#include "base/assert.h"
#include "protocol/frame_reader.h"

using namespace nsq::protocol;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  FrameReader reader(2000);
  while (true) {
    const auto outcome = reader.read(input);
    if (outcome == FrameReader::Outcome::BadSize) return 0;
    if (outcome == FrameReader::Outcome::NeedMore) {
      NSQ_ASSERT(reader.needed_bytes() > input.size());
      return 0;
    }
    const Frame& frame = reader.frame();
    NSQ_ASSERT(frame.consumed == kFrameHeaderBytes + frame.data.size());
    if (const auto message = parse_message(frame.data))
      NSQ_ASSERT(kMessageHeaderBytes + message->body.size() == frame.data.size());
    input.remove_prefix(frame.consumed);
  }
}
