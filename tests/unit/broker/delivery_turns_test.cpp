#include "broker/delivery_turns.h"

#include <fmt/format.h>

#include "engine_fixture.h"

using namespace nsq::test;
using nsq::broker::Locality;

namespace {

constexpr auto kZone = Locality::Zone;
constexpr auto kRegion = Locality::Region;

std::vector<std::string> numbered(int count) {
  std::vector<std::string> bodies;
  for (int i = 0; i < count; ++i) bodies.push_back(fmt::format("message {}", i));
  return bodies;
}

// One consumer each in the daemon's zone, in another zone of its region, and elsewhere.
struct ThreeConsumers {
  explicit ThreeConsumers(std::int64_t ready_count) {
    // The farthest first, who would have the first turn.
    far = engine.subscribe("t", "c", {.ready_count = ready_count});
    region = engine.subscribe("t", "c", {.ready_count = ready_count, .preference = kRegion});
    zone = engine.subscribe("t", "c", {.ready_count = ready_count, .preference = kZone});
  }
  // How many each has got, the farthest having asked first.
  std::vector<std::size_t> counts() {
    const std::size_t at_far = far->received().size();
    const std::size_t at_region = region->received().size();
    const std::size_t at_zone = zone->received().size();
    return {at_zone, at_region, at_far + far->received().size()};
  }

  EngineFixture engine;
  std::shared_ptr<EngineFixture::Client> far, region, zone;
};

using Counts = std::vector<std::size_t>;

}  // namespace

TEST_CASE("the nearest consumer gets what it has room for", "[broker]") {
  ThreeConsumers consumers(10);
  for (int i = 0; i < 10; ++i) {
    consumers.engine.publish("t", {fmt::format("one {}", i)});
    CHECK(consumers.counts() == Counts{1, 0, 0});
  }
  const auto stats = consumers.engine.channel_stats("t", "c");
  CHECK(stats.delivery_count == 10);
  CHECK(stats.zone_local_count == 10);
  CHECK(stats.region_local_count == 0);
}

TEST_CASE("what the nearest have no room for goes to those further away", "[broker]") {
  ThreeConsumers consumers(10);
  consumers.engine.publish("t", numbered(25));
  CHECK(consumers.counts() == Counts{10, 10, 5});
  const auto stats = consumers.engine.channel_stats("t", "c");
  CHECK(stats.zone_local_count == 10);
  CHECK(stats.region_local_count == 10);
  CHECK(stats.delivery_count == 25);
}

TEST_CASE("a consumer far away that asks by itself leaves the nearer theirs", "[broker]") {
  ThreeConsumers consumers(10);
  consumers.engine.publish("t", numbered(12));
  consumers.far->set_ready_count(20);
  CHECK(consumers.far->inbox.empty());
  CHECK(consumers.counts() == Counts{10, 2, 0});
}

TEST_CASE("a near consumer that is slow does not keep messages from others", "[broker]") {
  ThreeConsumers consumers(2);
  consumers.engine.publish("t", numbered(6));
  CHECK(consumers.counts() == Counts{2, 2, 2});
  // The near ones answer nothing; whoever does is given more.
  for (int i = 0; i < 5; ++i) {
    consumers.engine.publish("t", {fmt::format("more {}", i)});
    const auto id = consumers.far->ids.begin()->first;
    CHECK(consumers.far->finish(id) == nsq::broker::AnswerOutcome::Done);
    consumers.far->ids.erase(id);
    CHECK(consumers.counts() == Counts{0, 0, 1});
  }
}

TEST_CASE("a near consumer whose output is blocked passes its turn on", "[broker]") {
  ThreeConsumers consumers(10);
  consumers.region->leave();
  consumers.engine.publish("t", numbered(5));
  CHECK(consumers.zone->calls == 1);
  CHECK(consumers.far->calls == 0);
  consumers.zone->pull(0);
  CHECK(consumers.far->received().size() == 5);
}

TEST_CASE("with the last near consumer goes its precedence", "[broker]") {
  ThreeConsumers consumers(10);
  consumers.zone->leave();
  consumers.engine.publish("t", numbered(5));
  CHECK(consumers.far->received().empty());
  consumers.region->set_ready_count(0);
  CHECK(consumers.far->received().size() == 5);
}

TEST_CASE("consumers equally near share what there is", "[broker]") {
  EngineFixture engine;
  auto one = engine.subscribe("t", "c", {.ready_count = 100, .preference = kZone});
  auto other = engine.subscribe("t", "c", {.ready_count = 100, .preference = kZone});
  auto far = engine.subscribe("t", "c", {.ready_count = 100});
  engine.publish("t", numbered(100));
  one->pull();
  other->pull();
  CHECK(one->inbox.size() == 50);
  CHECK(other->inbox.size() == 25);  // half of the rest: the first may come again
  CHECK(far->received().empty());
}
