#include "utilities/host_pool.h"

#include <vector>

#include "support/catch.h"

using namespace nsq;
using namespace nsq::utilities;
using namespace std::chrono_literals;

namespace {

using Picks = std::vector<std::size_t>;

// A pool whose time and chance are the story's.
struct PoolFixture {
  PoolFixture(PoolMode mode, std::size_t hosts) : pool(mode, hosts, [this] { return chance; }) {}

  Picks pick(int count) {
    Picks picks;
    for (int i = 0; i < count; ++i) picks.push_back(pool.pick(now));
    return picks;
  }
  void fail(std::size_t host) { pool.failed(host, now); }
  void succeed(std::size_t host, Duration took = 1ms) { pool.succeeded(host, took, now); }

  Instant now = Instant::now();
  double chance = 0.999;
  HostPool pool;
};

}  // namespace

TEST_CASE("hosts take turns", "[utilities]") {
  PoolFixture fixture(PoolMode::HostPool, 3);
  CHECK(fixture.pick(5) == Picks{0, 1, 2, 0, 1});
}

TEST_CASE("a failed host is left alone for half a minute, and then tried once", "[utilities]") {
  PoolFixture fixture(PoolMode::HostPool, 2);
  fixture.fail(0);
  CHECK(fixture.pick(3) == Picks{1, 1, 1});
  fixture.now = fixture.now + 30s - 1ns;
  CHECK(fixture.pick(1) == Picks{1});
  fixture.now = fixture.now + 1ns;
  CHECK(fixture.pick(3) == Picks{0, 1, 1});
}

TEST_CASE("a host that goes on failing is tried less and less often", "[utilities]") {
  PoolFixture fixture(PoolMode::HostPool, 2);
  fixture.fail(0);
  fixture.now = fixture.now + 30s;
  for (const Duration wait : {Duration(60s), Duration(120s), Duration(240s), Duration(480s),
                              Duration(900s), Duration(900s)}) {
    REQUIRE(fixture.pick(2) == Picks{0, 1});
    fixture.fail(0);
    fixture.now = fixture.now + wait - 1ns;
    REQUIRE(fixture.pick(1) == Picks{1});
    fixture.now = fixture.now + 1ns;
  }
}

TEST_CASE("a success makes a host as good as ever", "[utilities]") {
  PoolFixture fixture(PoolMode::HostPool, 2);
  fixture.fail(0);
  fixture.succeed(0);
  CHECK(fixture.pick(4) == Picks{0, 1, 0, 1});
}

TEST_CASE("when all hosts have failed all are good again", "[utilities]") {
  PoolFixture fixture(PoolMode::HostPool, 2);
  fixture.fail(0);
  fixture.fail(1);
  CHECK(fixture.pick(3) == Picks{0, 0, 1});
}

TEST_CASE("a single host gets everything, whatever becomes of it", "[utilities]") {
  PoolFixture fixture(PoolMode::HostPool, 1);
  fixture.fail(0);
  CHECK(fixture.pick(2) == Picks{0, 0});
}

TEST_CASE("round-robin begins with the second host and minds no failures", "[utilities]") {
  PoolFixture fixture(PoolMode::RoundRobin, 3);
  fixture.fail(2);
  CHECK(fixture.pick(4) == Picks{1, 2, 0, 1});
}

TEST_CASE("of hosts that have answered, fast ones get more", "[utilities]") {
  PoolFixture fixture(PoolMode::EpsilonGreedy, 2);
  fixture.succeed(0, 3ms);
  fixture.succeed(1, 1ms);
  // A quarter of the choices is the slow one's, three quarters are the fast one's.
  fixture.chance = 0.3;
  CHECK(fixture.pick(1) == Picks{1});
  fixture.chance = 0.999;
  CHECK(fixture.pick(1) == Picks{1});
}

TEST_CASE("hosts that have not answered are found by looking round", "[utilities]") {
  PoolFixture fixture(PoolMode::EpsilonGreedy, 2);
  CHECK(fixture.pick(2) == Picks{0, 1});  // nothing is known of any
  fixture.succeed(0);
  CHECK(fixture.pick(3) == Picks{0, 0, 0});
  fixture.chance = 0;  // below any epsilon
  CHECK(fixture.pick(2) == Picks{0, 1});
}

TEST_CASE("the longer it goes on, the less it looks round", "[utilities]") {
  PoolFixture fixture(PoolMode::EpsilonGreedy, 2);
  fixture.succeed(1);
  fixture.chance = 0.29;  // below the first epsilon, 0.3, but not below the next
  CHECK(fixture.pick(2) == Picks{0, 1});
  fixture.chance = 0;
  static_cast<void>(fixture.pick(100));
  fixture.chance = 0.0099;  // the least there is
  CHECK(fixture.pick(1) != fixture.pick(1));
}

TEST_CASE("a fast host that fails is left alone all the same", "[utilities]") {
  PoolFixture fixture(PoolMode::EpsilonGreedy, 2);
  fixture.succeed(0, 1us);
  fixture.succeed(1, 1s);
  fixture.fail(0);
  CHECK(fixture.pick(2) == Picks{1, 1});
}

TEST_CASE("response times are forgotten after five minutes", "[utilities]") {
  PoolFixture fixture(PoolMode::EpsilonGreedy, 2);
  fixture.succeed(0, 1us);
  fixture.now = fixture.now + 200s;
  fixture.succeed(1, 1s);
  CHECK(fixture.pick(1) == Picks{0});
  fixture.now = fixture.now + 101s;
  CHECK(fixture.pick(2) == Picks{1, 1});
  fixture.now = fixture.now + 1h;
  CHECK(fixture.pick(2) == Picks{0, 1});
}

TEST_CASE("modes go by the original's words", "[utilities]") {
  CHECK(parse_pool_mode("hostpool") == PoolMode::HostPool);
  CHECK(parse_pool_mode("epsilon-greedy") == PoolMode::EpsilonGreedy);
  CHECK(parse_pool_mode("round-robin") == PoolMode::RoundRobin);
  CHECK(!parse_pool_mode("multicast"));
  CHECK(!parse_pool_mode(""));
}
