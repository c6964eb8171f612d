#include "net/snappy_layer.h"

#include <snappy.h>

#include "net/crc32c.h"
#include "unit/net/layer_fixture.h"

using nsq::net::crc32c;
using nsq::net::SnappyLayer;
using namespace nsq::net::test;
using namespace std::string_literals;

namespace {

const std::string kIdentifier = "\xff\x06\0\0sNaPpY"s;
// An OK frame, as the first that comes after the negotiation.
const std::string kOkFrame = "\0\0\0\x06\0\0\0\0OK"s;
const std::string kOkWire = kIdentifier + "\x01\x0e\0\0\x26\x98\x2b\xcf"s + kOkFrame;

std::string chunk(unsigned char type, std::string_view content) {
  std::string text(1, static_cast<char>(type));
  for (int i = 0; i < 3; ++i) text += static_cast<char>(content.size() >> 8 * i);
  return text.append(content);
}

}  // namespace

TEST_CASE("the checksum is that of the published vectors, with and without the instruction",
          "[net]") {
  for (auto* function : {&nsq::net::crc32c, &nsq::net::crc32c_portable}) {
    CHECK(function("") == 0);
    CHECK(function("123456789") == 0xe3069283);
    CHECK(function(std::string(32, '\0')) == 0x8a9136aa);
    CHECK(function(std::string(32, '\xff')) == 0x62a8ab43);
  }
  const std::string bytes = noise(1000);
  for (std::size_t size = 0; size < 100; ++size)
    REQUIRE(crc32c(bytes.substr(size, 2 * size)) ==
            nsq::net::crc32c_portable(bytes.substr(size, 2 * size)));
}

TEST_CASE("a first frame goes out in the exact bytes of the snappy framing format", "[net]") {
  SnappyLayer layer;
  CHECK(encoded(layer, kOkFrame) == kOkWire);
  CHECK(encoded(layer, kOkFrame) == kOkWire.substr(kIdentifier.size()));
  CHECK(encoded(layer, "") == "");
}

TEST_CASE("snappy brings any bytes across, however they are cut", "[net]") {
  for (const std::string& plain :
       {std::string("x"), noise(1000), std::string(100'000, 'a'), noise(65536), noise(300'000)}) {
    SnappyLayer sender;
    const std::string wire = encoded(sender, plain);
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{70'000}}) {
      SnappyLayer receiver;
      REQUIRE(decoded_in_pieces(receiver, wire, piece) == plain);
    }
    SnappyLayer receiver;
    REQUIRE(decoded(receiver, wire, 13) == plain);
  }
}

TEST_CASE("what compresses is sent compressed, what does not as it is", "[net]") {
  SnappyLayer layer;
  const std::string zeros = encoded(layer, std::string(50'000, '\0')).substr(kIdentifier.size());
  CHECK(zeros[0] == 0);
  CHECK(zeros.size() < 5000);
  const std::string noisy = encoded(layer, noise(50'000));
  CHECK(noisy[0] == 1);
  CHECK(noisy.size() == 50'000 + 8);
}

TEST_CASE("small pieces share a chunk until they are flushed", "[net]") {
  SnappyLayer sender;
  std::string wire;
  for (int i = 0; i < 10; ++i) sender.encode("abc", wire);
  CHECK(wire.empty());
  sender.flush(wire);
  CHECK(wire.size() < kIdentifier.size() + 8 + 31);
  SnappyLayer receiver;
  CHECK(decoded(receiver, wire).size() == 30);
}

TEST_CASE("the stream identifier may come again, and padding is skipped", "[net]") {
  const std::string padding = chunk(0xfe, std::string(100'000, 'p')) + chunk(0x80, "") +
                              chunk(0xfd, "reserved") + kIdentifier;
  const std::string wire = kOkWire + padding + kOkWire + padding;
  SnappyLayer whole;
  CHECK(decoded(whole, wire) == kOkFrame + kOkFrame);
  SnappyLayer pieces;
  CHECK(decoded_in_pieces(pieces, wire, 1) == kOkFrame + kOkFrame);
}

TEST_CASE("what is not snappy's framing is refused", "[net]") {
  const std::string frame = kOkWire.substr(kIdentifier.size());
  std::string damaged = kOkWire;
  damaged.back() ^= 1;
  std::string bomb;
  snappy::Compress(std::string(65537, 'b').data(), 65537, &bomb);
  const std::pair<std::string, std::string> rows[] = {
      {frame, "no stream identifier"},
      {"NOP\n", "no stream identifier"},
      {chunk(0xff, "snappy"), "not the stream identifier"},
      {chunk(0xff, "sNaPpYs"), "chunk too long"},
      {damaged, "wrong checksum"},
      {kIdentifier + chunk(0x02, "x"), "unknown chunk type"},
      {kIdentifier + chunk(0x7f, "x"), "unknown chunk type"},
      {kIdentifier + chunk(0x01, "abc"), "chunk too short"},
      {kIdentifier + chunk(0x01, ""), "chunk too short"},
      {kIdentifier + chunk(0x01, std::string(65541, 'x')).substr(0, 4), "chunk too long"},
      {kIdentifier + "\0\xff\xff\xff"s, "chunk too long"},
      {kIdentifier + chunk(0x00, "sum." + bomb), "chunk too long"},
      {kIdentifier + chunk(0x00, "sum.\x05zzzz"), "damaged chunk"},
      {kIdentifier + chunk(0x00, "sum."), "chunk too long"},
  };
  for (const auto& [wire, reason] : rows) {
    SnappyLayer layer;
    CHECK(decode_error(layer, wire) == reason + ": bad snappy data");
  }
}
