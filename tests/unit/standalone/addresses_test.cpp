#include "standalone/addresses.h"

#include "support/catch.h"
#include "support/quiet_log.h"

using nsq::standalone::broadcast_host;
using nsq::standalone::local_address;

TEST_CASE("a server on all interfaces is reached over the loopback", "[standalone]") {
  CHECK(local_address("0.0.0.0:4160", 4160) == "127.0.0.1:4160");
  CHECK(local_address(":0", 40123) == "127.0.0.1:40123");
  CHECK(local_address("[::]:4160", 4160) == "127.0.0.1:4160");
  CHECK(local_address("", 40123) == "127.0.0.1:40123");
}

TEST_CASE("a server on one address is reached there, at the port it really has", "[standalone]") {
  CHECK(local_address("10.0.0.7:0", 40123) == "10.0.0.7:40123");
  CHECK(local_address("[::1]:4160", 4160) == "[::1]:4160");
  CHECK(local_address("localhost:http", 80) == "localhost:80");
}

TEST_CASE("others are told the one address a server listens on", "[standalone]") {
  CHECK(broadcast_host("10.0.0.7:4150") == "10.0.0.7");
  CHECK(broadcast_host("[::1]:4150") == "::1");
}

TEST_CASE("others are never told nothing", "[standalone]") {
  const nsq::test::QuietLog quiet;  // this machine's name may not be known to its resolver
  CHECK(!broadcast_host("0.0.0.0:4150").empty());
  CHECK(!broadcast_host("/run/nsq.sock").empty());
}
