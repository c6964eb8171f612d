#include "daemon/input_buffer.h"

#include <algorithm>
#include <random>
#include <string>

#include "support/catch.h"

using nsq::daemon::InputBuffer;

namespace {

// What a socket does: fills some of the room.
std::size_t receive(InputBuffer& buffer, std::size_t needed, std::string_view bytes) {
  const auto room = buffer.prepare(needed);
  REQUIRE_FALSE(room.empty());
  REQUIRE(buffer.unread().size() + room.size() >= needed);
  const std::size_t count = std::min(room.size(), bytes.size());
  std::copy_n(bytes.begin(), count, room.begin());
  buffer.commit(count);
  return count;
}

}  // namespace

TEST_CASE("bytes leave a buffer in the order they came, whatever is read and consumed",
          "[daemon]") {
  std::mt19937 random(1);  // NOLINT: the same sizes every time
  InputBuffer buffer;
  std::string expected;
  std::size_t next = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes(random() % 3000, '\0');
    for (std::size_t j = 0; j < bytes.size(); ++j) bytes[j] = static_cast<char>(next + j);
    const std::size_t needed = random() % 10 == 0 ? expected.size() + random() % 100'000 : 0;
    const std::size_t received = receive(buffer, needed, bytes);
    expected += bytes.substr(0, received);
    next += received;
    REQUIRE(buffer.unread() == expected);
    const std::size_t consumed = random() % 3 == 0 ? expected.size() : random() % 2000;
    buffer.consume(std::min(consumed, expected.size()));
    expected.erase(0, consumed);
    if (random() % 100 == 0) buffer.shrink();
    REQUIRE(buffer.unread() == expected);
  }
}

TEST_CASE("a buffer is small until reads fill it, and small again when they do not", "[daemon]") {
  InputBuffer buffer;
  CHECK(buffer.capacity() <= 1024);
  const std::string flood(1'000'000, 'x');
  for (int i = 0; i < 10; ++i) {
    receive(buffer, 0, flood);
    buffer.consume(buffer.unread().size());
  }
  CHECK(buffer.capacity() >= 65'536);
  CHECK(buffer.capacity() <= 262'144);
  buffer.shrink();
  for (int i = 0; i < 10; ++i) {
    receive(buffer, 0, "NOP\n");
    buffer.consume(4);
    buffer.shrink();
  }
  CHECK(buffer.capacity() <= 1024);
}

TEST_CASE("a large command gets the room it needs at once", "[daemon]") {
  InputBuffer buffer;
  receive(buffer, 0, "head");
  CHECK(receive(buffer, 5'000'000, std::string(4'999'996, 'x')) == 4'999'996);
  CHECK(buffer.unread().size() == 5'000'000);
  CHECK(buffer.unread().starts_with("headxxx"));
}
