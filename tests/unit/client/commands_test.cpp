#include "client/commands.h"

#include <string>
#include <vector>

#include "support/catch.h"

using namespace nsq;
using namespace nsq::client;
using namespace std::chrono_literals;

TEST_CASE("commands are written as the protocol says", "[client]") {
  std::string out;
  append_sub(out, "t", "c#ephemeral");
  append_rdy(out, 200);
  append_fin(out, "0123456789abcdef");
  append_req(out, "0123456789abcdef", 1500ms);
  append_touch(out, "0123456789abcdef");
  append_nop(out);
  append_cls(out);
  CHECK(out ==
        "SUB t c#ephemeral\nRDY 200\nFIN 0123456789abcdef\nREQ 0123456789abcdef 1500\nTOUCH "
        "0123456789abcdef\nNOP\nCLS\n");
}

TEST_CASE("bodies follow their commands with their sizes", "[client]") {
  std::string out;
  append_pub(out, "t", "hello");
  CHECK(out == std::string("PUB t\n\0\0\0\5hello", 15));
  out.clear();
  const std::vector<std::string_view> bodies{"a", "bcd"};
  append_mpub(out, "t", bodies);
  CHECK(out == std::string("MPUB t\n\0\0\0\x10\0\0\0\2\0\0\0\1a\0\0\0\3bcd", 27));
  out.clear();
  append_dpub(out, "t", 1500ms, "x");
  CHECK(out == std::string("DPUB t 1500\n\0\0\0\1x", 17));
  out.clear();
  append_auth(out, "me");
  CHECK(out == std::string("AUTH\n\0\0\0\2me", 11));
  out.clear();
  append_identify(out, "{}");
  CHECK(out == std::string("IDENTIFY\n\0\0\0\2{}", 15));
}
