#include "client/ready_sharing.h"

#include <cstdlib>
#include <map>
#include <random>

#include "support/catch.h"

using namespace nsq;
using namespace nsq::client;
using namespace std::chrono_literals;
using Changes = ReadySharing::Changes;

namespace {

// Applies changes as they would be sent, and sees to it that the limit holds after each.
struct Shares {
  ReadySharing sharing;
  std::map<ReadySharing::Id, std::int64_t> counts{};
  Instant now{1000s};
  std::int64_t limit = 0;

  explicit Shares(std::int64_t max_in_flight)
      : sharing(max_in_flight, 10s, 30s), limit(max_in_flight) {}

  void apply(const Changes& changes) {
    for (const auto& change : changes) {
      const bool is_raise = change.count > counts[change.id];
      CHECK(counts[change.id] != change.count);
      counts[change.id] = change.count;
      if (is_raise) CHECK(sum() <= limit);
    }
    CHECK(sum() == sharing.sum());
  }
  std::int64_t sum() const {
    std::int64_t total = 0;
    for (const auto& [id, count] : counts) total += count;
    return total;
  }
  void add(ReadySharing::Id id, std::int64_t most = 2500) {
    counts[id] = 0;
    apply(sharing.add(id, most, now));
  }
  void remove(ReadySharing::Id id) {
    counts.erase(id);
    apply(sharing.remove(id, now));
  }
  void set_limit(std::int64_t count) {
    limit = count;
    apply(sharing.set_max_in_flight(count, now));
  }
  std::vector<std::int64_t> values() const {
    std::vector<std::int64_t> all;
    for (const auto& [id, count] : counts) all.push_back(count);
    return all;
  }
};

using Counts = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("max_in_flight is shared out evenly, without a remainder", "[client]") {
  Shares shares(10);
  shares.add(1);
  CHECK(shares.values() == Counts{10});
  shares.add(2);
  CHECK(shares.values() == Counts{5, 5});
  shares.add(3);
  CHECK(shares.values() == Counts{4, 3, 3});
  shares.remove(1);
  CHECK(shares.values() == Counts{5, 5});
}

TEST_CASE("what one daemon does not accept goes to the others", "[client]") {
  Shares shares(100);
  shares.add(1, 10);
  CHECK(shares.values() == Counts{10});
  shares.add(2);
  CHECK(shares.values() == Counts{10, 90});
}

TEST_CASE("pausing takes everything, and resuming gives it back", "[client]") {
  Shares shares(6);
  shares.add(1);
  shares.add(2);
  shares.set_limit(0);
  CHECK(shares.values() == Counts{0, 0});
  shares.set_limit(7);
  CHECK(shares.values() == Counts{4, 3});
}

TEST_CASE("backoff leaves nothing, then one on one connection, then all", "[client]") {
  Shares shares(6);
  shares.add(1);
  shares.add(2);
  shares.apply(shares.sharing.withhold(shares.now));
  CHECK(shares.values() == Counts{0, 0});
  shares.add(3);
  CHECK(shares.values() == Counts{0, 0, 0});
  shares.apply(shares.sharing.test_one(shares.now));
  CHECK(shares.sum() == 1);
  shares.apply(shares.sharing.resume(shares.now));
  CHECK(shares.values() == Counts{2, 2, 2});
}

TEST_CASE("with fewer messages than connections every connection gets its turn", "[client]") {
  Shares shares(2);
  for (ReadySharing::Id id = 1; id <= 5; ++id) shares.add(id);
  CHECK(shares.sum() == 2);
  std::map<ReadySharing::Id, int> turns;
  for (int i = 0; i < 10; ++i) {
    shares.now = shares.now + 10s;  // idle for long enough
    shares.apply(shares.sharing.redistribute(shares.now));
    CHECK(shares.sum() == 2);
    for (const auto& [id, count] : shares.counts) turns[id] += count > 0 ? 1 : 0;
  }
  for (ReadySharing::Id id = 1; id <= 5; ++id) CHECK(std::abs(turns[id] - 4) <= 1);
}

TEST_CASE("a busy connection keeps its turn for the hold timeout, and no longer", "[client]") {
  Shares shares(1);
  shares.add(1);
  shares.add(2);
  for (int i = 0; i < 5; ++i) {
    shares.now = shares.now + 5s;
    shares.sharing.on_message(1, shares.now);
    shares.apply(shares.sharing.redistribute(shares.now));
    CHECK(shares.values() == Counts{1, 0});
  }
  shares.now = shares.now + 5s;
  shares.sharing.on_message(1, shares.now);
  shares.apply(shares.sharing.redistribute(shares.now));
  CHECK(shares.values() == Counts{0, 1});
}

TEST_CASE("with enough for all nothing is redistributed", "[client]") {
  Shares shares(2);
  shares.add(1);
  shares.add(2);
  shares.now = shares.now + 1h;
  CHECK(shares.sharing.redistribute(shares.now).empty());
}

TEST_CASE("the limit holds at every moment, whatever happens", "[client]") {
  std::mt19937 random(4711);
  Shares shares(5);
  ReadySharing::Id last = 0;
  for (int i = 0; i < 20'000; ++i) {
    shares.now = shares.now + std::chrono::seconds(random() % 12);
    switch (random() % 8) {
      case 0:
      case 1:
        if (shares.counts.size() < 9) shares.add(++last, 1 + random() % 20);
        break;
      case 2:
        if (!shares.counts.empty()) shares.remove(shares.counts.begin()->first);
        break;
      case 3:
        shares.set_limit(random() % 30);
        break;
      case 4:
        shares.apply(shares.sharing.withhold(shares.now));
        break;
      case 5:
        shares.apply(shares.sharing.test_one(shares.now));
        break;
      case 6:
        shares.apply(shares.sharing.resume(shares.now));
        break;
      default:
        shares.apply(shares.sharing.redistribute(shares.now));
    }
    REQUIRE(shares.sum() <= shares.limit);
  }
}
