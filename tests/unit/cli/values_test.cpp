#include "cli/values.h"

#include <cmath>
#include <limits>
#include <string>

#include "cli/cli_error.h"
#include "support/catch.h"

using namespace nsq;
using namespace nsq::cli;
using namespace std::chrono_literals;

namespace {

std::int64_t integer(std::string_view text) {
  const auto value = parse_integer(text);
  REQUIRE(value);
  return *value;
}

Duration duration(std::string_view text) {
  const auto value = parse_duration(text);
  REQUIRE(value);
  return *value;
}

}  // namespace

TEST_CASE("integers are read in every base the original knows", "[cli]") {
  CHECK(integer("0") == 0);
  CHECK(integer("42") == 42);
  CHECK(integer("-42") == -42);
  CHECK(integer("+7") == 7);
  CHECK(integer("010") == 8);
  CHECK(integer("0x1F") == 31);
  CHECK(integer("-0Xff") == -255);
  CHECK(integer("0b101") == 5);
  CHECK(integer("0o17") == 15);
  CHECK(integer("1_000") == 1000);
  CHECK(integer("0x_1_F") == 31);
  CHECK(integer("0_7") == 7);
  CHECK(integer("9223372036854775807") == std::numeric_limits<std::int64_t>::max());
  CHECK(integer("-9223372036854775808") == std::numeric_limits<std::int64_t>::min());
}

TEST_CASE("what is not an integer is told from what does not fit one", "[cli]") {
  for (const char* text : {"", "-", "many", "1.5", "1e3", " 1", "1 ", "08", "0x", "0b2", "_1", "1_",
                           "1__0", "--1", "+-1", "0x1G"}) {
    CAPTURE(text);
    CHECK(parse_integer(text).error() == CliErrc::ParseError);
  }
  for (const char* text : {"9223372036854775808", "-9223372036854775809", "99999999999999999999"}) {
    CAPTURE(text);
    CHECK(parse_integer(text).error() == CliErrc::OutOfRange);
  }
}

TEST_CASE("only the original's words are booleans", "[cli]") {
  for (const char* text : {"1", "t", "T", "true", "TRUE", "True"}) CHECK(*parse_boolean(text));
  for (const char* text : {"0", "f", "F", "false", "FALSE", "False"}) CHECK(!*parse_boolean(text));
  for (const char* text : {"", "yes", "no", "2", "tRUE", "on"}) CHECK(!parse_boolean(text));
}

TEST_CASE("durations are sums of numbers with units", "[cli]") {
  CHECK(duration("60s") == 60s);
  CHECK(duration("1m30s") == 90s);
  CHECK(duration("500ms") == 500ms);
  CHECK(duration("1.5h") == 90min);
  CHECK(duration(".5s") == 500ms);
  CHECK(duration("1.s") == 1s);
  CHECK(duration("+3s") == 3s);
  CHECK(duration("-5s") == -5s);
  CHECK(duration("250us") == 250us);
  CHECK(duration("3\xc2\xb5s") == 3us);
  CHECK(duration("3\xce\xbcs") == 3us);
  CHECK(duration("7ns") == 7ns);
  CHECK(duration("1.1s") == 1100ms);
  CHECK(duration("0") == 0s);
  CHECK(duration("-0") == 0s);
}

TEST_CASE("a duration without a unit, or with another one, is refused", "[cli]") {
  for (const char* text : {"", "60", "1d", "1h1", "5S", "s", ".s", "1 s", "1s ", "--1s", "1e3s",
                           "9223372036854775808ns", "2562048h"}) {
    CAPTURE(text);
    CHECK(parse_duration(text).error() == CliErrc::ParseError);
  }
}

TEST_CASE("floats are read whole or not at all", "[cli]") {
  CHECK(*parse_float("0.5") == 0.5);
  CHECK(*parse_float("-1e-2") == -0.01);
  CHECK(*parse_float("+.25") == 0.25);
  CHECK(std::isnan(*parse_float("nan")));
  for (const char* text : {"", "x", "0.5x", " 1", "1,2", "--1"}) {
    CAPTURE(text);
    CHECK(!parse_float(text));
  }
}
