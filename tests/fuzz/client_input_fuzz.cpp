// A daemon's bytes as a connection receives them: in reads of any size, into blocks that messages
// go on lying in. The first byte of each read's description says how long it is.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "client/delivery.h"
#include "client/input_buffer.h"
#include "protocol/frame_reader.h"

using namespace nsq;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  client::InputBuffer input;
  protocol::FrameReader frames(1 << 20);
  std::size_t wanted = 0;
  std::vector<std::pair<client::BatchRef, std::string>> kept;  // with what it should say
  const auto origin = std::make_shared<const client::Origin>();
  while (size > 1) {
    const std::size_t count = std::min<std::size_t>(data[0], size - 1);
    ++data;
    --size;
    std::size_t left = count;
    while (left > 0) {
      const auto room = input.room(wanted);
      NSQ_ASSERT(room.bytes > 0);
      const std::size_t part = std::min(room.bytes, left);
      std::copy_n(data, part, room.data);
      input.received(part);
      data += part;
      size -= part;
      left -= part;
    }
    while (true) {
      const auto outcome = frames.read(input.bytes());
      if (outcome == protocol::FrameReader::Outcome::BadSize) return 0;
      if (outcome == protocol::FrameReader::Outcome::NeedMore) {
        wanted = frames.needed_bytes();
        break;
      }
      const protocol::Frame frame = frames.frame();
      input.take(frame.consumed);
      wanted = 0;
      if (frame.data.size() < protocol::kMessageHeaderBytes) continue;
      kept.emplace_back(client::BatchRef::make(origin, input.block(), {&frame.data, 1}),
                        frame.data.substr(protocol::kMessageHeaderBytes));
      if (kept.size() > 4) kept.erase(kept.begin());
    }
  }
  for (const auto& [batch, body] : kept) NSQ_ASSERT(body_of((*batch)[0]) == body);
  return 0;
}
