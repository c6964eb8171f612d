#include "utilities/stat_table.h"

#include <limits>
#include <string>

#include "support/catch.h"

using nsq::cluster::ChannelStats;
using nsq::utilities::StatTable;
using namespace std::chrono_literals;

namespace {

const std::string kHeading =
    "------rate------+----------------depth----------------+--------------metadata---------------\n"
    "ingress  egress |   total     mem    disk inflt   def |     req     t-o         msgs "
    "clients\n";

}  // namespace

TEST_CASE("the first sample gives the heading, every later one a row", "[utilities]") {
  StatTable table(1s);
  CHECK(table.add({.depth = 3, .message_count = 3}) == kHeading);
  CHECK(
      table.add({.depth = 3, .message_count = 3}) ==
      "      0       0 |       3       3       0     0     0 |       0       0            3       "
      "0\n");
}

TEST_CASE("every column has its place", "[utilities]") {
  StatTable table(1s);
  (void)table.add({});
  CHECK(
      table.add({.depth = 12,
                 .backend_depth = 5,
                 .in_flight_count = 2,
                 .deferred_count = 3,
                 .requeue_count = 4,
                 .timeout_count = 6,
                 .message_count = 20,
                 .client_count = 9}) ==
      "     20       8 |      12       7       5     2     3 |       4       6           20       "
      "9\n");
}

TEST_CASE("rates are per second of the interval, cut off towards zero", "[utilities]") {
  StatTable table(2s);
  (void)table.add({.depth = 10, .message_count = 100});
  // 15 came in two seconds, and 10 more than that left.
  CHECK(table.add({.depth = 0, .message_count = 115}).starts_with("      7      12 |"));
  // A daemon that started anew has counted nothing yet.
  CHECK(table.add({.depth = 0, .message_count = 100}).starts_with("     -7      -7 |"));
}

TEST_CASE("the heading comes again every twenty-five rounds", "[utilities]") {
  StatTable table(1s);
  for (int round = 0; round <= 50; ++round) {
    CAPTURE(round);
    const std::string text = table.add({});
    CHECK(text.starts_with(kHeading) == (round % 25 == 0));
    CHECK((text.size() > kHeading.size() || round == 0 || round % 25 != 0));
  }
}

TEST_CASE("no count a daemon may claim is too large for the table", "[utilities]") {
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  StatTable table(1ns);
  (void)table.add({.depth = kMost, .message_count = 0});
  CHECK(
      table.add({.depth = 0, .backend_depth = kMost, .message_count = kMost})
          .starts_with("1000000000000000000 1000000000000000000 |       0 -9223372036854775807 "));
}
