#include "net/address_range.h"

#include "support/catch.h"

using nsq::net::AddressRange;

namespace {

bool holds(std::string_view range, std::string_view address) {
  const auto parsed = AddressRange::parse(range);
  REQUIRE(parsed);
  return parsed->contains(address);
}

}  // namespace

TEST_CASE("a range holds the addresses that share its bits", "[net]") {
  CHECK(holds("127.0.0.1/8", "127.200.0.9"));
  CHECK_FALSE(holds("127.0.0.1/8", "128.0.0.1"));
  CHECK(holds("10.1.2.0/23", "10.1.3.255"));
  CHECK_FALSE(holds("10.1.2.0/23", "10.1.4.0"));
  CHECK(holds("10.0.0.1/32", "10.0.0.1"));
  CHECK_FALSE(holds("10.0.0.1/32", "10.0.0.2"));
  CHECK(holds("fe80::/10", "fe80::1"));
  CHECK_FALSE(holds("fe80::/10", "::1"));
  CHECK(holds("::/0", "::1"));
  CHECK(holds("0.0.0.0/0", "1.2.3.4"));
}

TEST_CASE("IPv4 and IPv6 are kept apart, but for IPv4 in the form of IPv6", "[net]") {
  CHECK_FALSE(holds("127.0.0.1/8", "::1"));
  CHECK_FALSE(holds("0.0.0.0/0", "::1"));
  CHECK(holds("127.0.0.1/8", "::ffff:127.0.0.1"));
}

TEST_CASE("what is no address is in no range", "[net]") {
  for (const char* text : {"", "@", "/run/nsqd.sock", "localhost", "127.0.0.1:80"}) {
    CHECK_FALSE(holds("0.0.0.0/0", text));
  }
}

TEST_CASE("what is no range is refused", "[net]") {
  for (const char* text : {"", "127.0.0.1", "127.0.0.1/", "127.0.0.1/33", "127.0.0.1/-1", "::1/129",
                           "/8", "x/8", "127.0.0.1/8 ", "127.0.0.1/8/8", "fe80::1%lo/64"}) {
    CAPTURE(text);
    CHECK_FALSE(AddressRange::parse(text));
  }
}
