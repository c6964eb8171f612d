#include "utilities/timing_report.h"

#include "support/catch.h"

using namespace nsq;
using namespace nsq::utilities;
using namespace std::chrono_literals;

TEST_CASE("the first request after a full window brings its report", "[utilities]") {
  TimingReport report("aggregate", 4);
  for (int round = 0; round < 2; ++round) {
    CHECK(report.add(10ms).has_value() == (round > 0));
    CHECK(!report.add(40ms));
    CHECK(!report.add(20ms));
    CHECK(!report.add(1'500us));
  }
  CHECK(report.add(1ms) ==
        "[aggregate]: finished 4 - 99th: 40.00ms - 95th: 40.00ms - avg: 17.88ms");
}

TEST_CASE("percentiles are those of the sorted window", "[utilities]") {
  TimingReport report("host:1", 200);
  for (int i = 200; i > 0; --i) CHECK(!report.add(i * 1ms));
  // The elements number ceil(198.5) and ceil(190.5), counted from 0.
  CHECK(report.add(1ms) ==
        "[host:1]: finished 200 - 99th: 200.00ms - 95th: 192.00ms - avg: 100.50ms");
}

TEST_CASE("without a window nothing is reported", "[utilities]") {
  TimingReport report("aggregate", 0);
  for (int i = 0; i < 10; ++i) CHECK(!report.add(1ms));
}

TEST_CASE("a short window brings a warning", "[utilities]") {
  CHECK(find_short_window(99) ==
        "Warning: use more than 100 status values for accurate percentiles (configured with 99)");
  CHECK(!find_short_window(100));
  CHECK(!find_short_window(0));
}
