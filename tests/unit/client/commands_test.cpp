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
  append_nop(out);
  append_cls(out);
  CHECK(out ==
        "SUB t c#ephemeral\nRDY 200\nFIN 0123456789abcdef\nREQ 0123456789abcdef 1500\nNOP\nCLS\n");
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
  append_identify(out, "{}");
  CHECK(out == std::string("IDENTIFY\n\0\0\0\2{}", 15));
}
