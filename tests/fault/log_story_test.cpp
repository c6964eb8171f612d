#include "fault/log_story.h"

#include "support/catch.h"
#include "support/quiet_log.h"

using nsq::fault::Failure;
using nsq::fault::LogStory;

namespace {

void run_stories(std::uint64_t first_seed, std::uint64_t count, LogStory::Troubles troubles) {
  const nsq::test::QuietLog quiet;
  for (std::uint64_t seed = first_seed; seed < first_seed + count; ++seed) {
    try {
      LogStory(seed, troubles).run(120);
    } catch (const Failure& failure) {
      FAIL("seed " << seed << ": " << failure.what());
    }
  }
}

}  // namespace

TEST_CASE("a killed process loses nothing it has written", "[fault]") {
  run_stories(1, 200, {.power = false});
}

TEST_CASE("a power failure costs nothing that was synced, and tears no batch", "[fault]") {
  run_stories(1'000, 600, {});
}

TEST_CASE("nor does it when indexes are used again", "[fault]") {
  run_stories(10'000, 300, {.skip = false});
}

TEST_CASE("nor on a disk that fills up and fails", "[fault]") {
  run_stories(20'000, 600, {.disk = true});
}

TEST_CASE("nor on such a disk when indexes are used again", "[fault]") {
  run_stories(30'000, 300, {.disk = true, .skip = false});
}

TEST_CASE("many more stories of power failures", "[fault][.slow]") {
  run_stories(1'000'000, 50'000, {});
  run_stories(2'000'000, 50'000, {.disk = true});
  run_stories(3'000'000, 50'000, {.disk = true, .skip = false});
}
