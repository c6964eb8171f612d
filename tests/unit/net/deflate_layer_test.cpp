#include "net/deflate_layer.h"

#include "unit/net/layer_fixture.h"

using nsq::net::DeflateLayer;
using namespace nsq::net::test;
using namespace std::string_literals;

namespace {

// An OK frame, and what the original's compressor makes of it. Ours may choose other bytes.
const std::string kOkFrame = "\0\0\0\x06\0\0\0\0OK"s;
const std::string kOkWire = "\x62\x60\x60\x60\x63\x60\x60\x60\xf0\xf7\x06\0\0\0\xff\xff"s;
const std::string kEmptyBlock = "\0\0\0\xff\xff"s;

}  // namespace

TEST_CASE("nothing is sent when there is nothing to flush", "[net]") {
  DeflateLayer layer(6);
  CHECK(encoded(layer, "") == "");
  CHECK(encoded(layer, "x").ends_with("\0\0\xff\xff"s));
  CHECK(encoded(layer, "") == "");
}

TEST_CASE("deflate brings any bytes across at every level, however they are cut", "[net]") {
  for (int level = 1; level <= 9; ++level) {
    DeflateLayer sender(level);
    DeflateLayer bytewise(1);
    DeflateLayer whole(1);
    for (const std::string& plain :
         {std::string("x"), noise(1000), std::string(100'000, 'a'), noise(100'000)}) {
      const std::string wire = encoded(sender, plain);
      REQUIRE(decoded_in_pieces(bytewise, wire, 1) == plain);
      REQUIRE(decoded(whole, wire, 13) == plain);
    }
  }
}

TEST_CASE("blocks that stand for nothing are accepted", "[net]") {
  DeflateLayer layer(6);
  CHECK(decoded(layer, kEmptyBlock + kEmptyBlock + kOkWire + kEmptyBlock) == kOkFrame);
}

TEST_CASE("a few bytes that stand for many megabytes fill one room at a time", "[net]") {
  DeflateLayer sender(9);
  const std::string wire = encoded(sender, std::string(std::size_t{20} << 20, '\0'));
  REQUIRE(wire.size() < 50'000);
  DeflateLayer receiver(1);
  std::string_view rest = wire;
  std::string room(4096, 'x');
  std::size_t total = 0;
  for (std::size_t count = room.size(); count == room.size(); total += count) {
    count = receiver.decode(rest, {room.data(), room.size()}).value();
    REQUIRE(room.find_first_not_of('\0') >= count);
  }
  CHECK(total == std::size_t{20} << 20);
  CHECK(rest.empty());
}

TEST_CASE("the end of a deflate stream is seen, and what follows is left alone", "[net]") {
  DeflateLayer receiver(6);
  CHECK(decoded(receiver, "\x01\x04\0\xfb\xfflastjunk"s) == "last");
  CHECK(receiver.is_at_end());
}

TEST_CASE("what is not deflate is refused", "[net]") {
  DeflateLayer layer(6);
  CHECK(decode_error(layer, std::string(50, '\xff')) == "invalid block type: bad deflate data");
  DeflateLayer stored(6);
  CHECK(decode_error(stored, "\x01\x01\x00\x00\x00x"s) ==
        "invalid stored block lengths: bad deflate data");
}
