#include "base/duration_text.h"

#include "support/catch.h"

using namespace std::chrono_literals;
using nsq::duration_text;

TEST_CASE("a duration of a second and more is in hours, minutes and seconds", "[base]") {
  CHECK(duration_text(3s) == "3s");
  CHECK(duration_text(1min) == "1m0s");
  CHECK(duration_text(1h) == "1h0m0s");
  CHECK(duration_text(49h + 2s) == "49h0m2s");
  CHECK(duration_text(23192180561ns) == "23.192180561s");
  CHECK(duration_text(2min + 10146424095ns) == "2m10.146424095s");
  CHECK(duration_text(1s + 500ms) == "1.5s");
  CHECK(duration_text(1s + 1ns) == "1.000000001s");
}

TEST_CASE("a duration below a second is in one smaller unit", "[base]") {
  CHECK(duration_text(0s) == "0s");
  CHECK(duration_text(700ns) == "700ns");
  CHECK(duration_text(28282ns) == "28.282µs");
  CHECK(duration_text(1500us) == "1.5ms");
  CHECK(duration_text(999999999ns) == "999.999999ms");
}

TEST_CASE("a negative duration has a sign", "[base]") {
  CHECK(duration_text(-90s) == "-1m30s");
  CHECK(duration_text(-1ns) == "-1ns");
  CHECK(duration_text(nsq::Duration::min()) == "-2562047h47m16.854775808s");
}
