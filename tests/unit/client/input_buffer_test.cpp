#include "client/input_buffer.h"

#include <algorithm>
#include <string>

#include "support/catch.h"

using namespace nsq::client;

namespace {

// Receives `text`, in as many reads as the buffer makes of it.
void receive(InputBuffer& buffer, std::string_view text, std::size_t frame_bytes = 0) {
  while (!text.empty()) {
    const auto room = buffer.room(frame_bytes);
    REQUIRE(room.bytes > 0);
    const std::size_t count = std::min(room.bytes, text.size());
    std::copy_n(text.data(), count, room.data);
    buffer.received(count);
    text.remove_prefix(count);
  }
}

}  // namespace

TEST_CASE("what is received and not taken stays in one piece", "[client]") {
  InputBuffer buffer;
  receive(buffer, "hello world");
  buffer.take(6);
  CHECK(buffer.bytes() == "world");
  const std::string large(100'000, 'x');
  receive(buffer, large, 100'005);
  CHECK(buffer.bytes() == "world" + large);
}

TEST_CASE("taken bytes stay where they are while someone holds their block", "[client]") {
  InputBuffer buffer;
  receive(buffer, "first");
  const BlockRef held = buffer.block();
  const std::string_view first = buffer.bytes();
  buffer.take(5);
  for (int i = 0; i < 100; ++i) {
    receive(buffer, std::string(1000, 'y'));
    buffer.take(1000);
  }
  CHECK(first == "first");
  CHECK(!(buffer.block().is_sole() && held.data() == buffer.block().data()));
}

TEST_CASE("a long frame's memory is taken as its bytes arrive", "[client]") {
  InputBuffer buffer;
  constexpr std::size_t kClaimed = std::size_t{200} << 20;
  receive(buffer, std::string(100, 'x'), kClaimed);
  CHECK(buffer.capacity() <= InputBuffer::kMinBlockBytes);
  receive(buffer, std::string(100'000, 'x'), kClaimed);
  CHECK(buffer.capacity() < 500'000);
  CHECK(buffer.bytes().size() == 100'100);
}

TEST_CASE("blocks grow with the traffic and shrink without it", "[client]") {
  InputBuffer buffer;
  for (int i = 0; i < 20; ++i) {
    const auto room = buffer.room(0);
    buffer.received(room.bytes);
    buffer.take(room.bytes);
  }
  CHECK(buffer.capacity() == InputBuffer::kMaxBlockBytes);
  for (int i = 0; i < 500; ++i) {
    receive(buffer, "x");
    buffer.take(1);
  }
  CHECK(buffer.capacity() == InputBuffer::kMinBlockBytes);
}
