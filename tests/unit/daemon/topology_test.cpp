#include "daemon/topology.h"

#include "support/catch.h"
#include "unit/daemon/session_fixture.h"

using namespace nsq::daemon;
using namespace nsq::daemon::test;
using nsq::broker::Locality;
using Frames = std::vector<std::string>;

namespace {

Options in(std::string zone, std::string region, bool enabled = true) {
  Options options;
  options.topology_zone = std::move(zone);
  options.topology_region = std::move(region);
  if (enabled) options.enable_experiment = {"something-else", "topology-aware-consumption"};
  return options;
}

struct Placed {
  Locality locality, preference;
  friend bool operator==(const Placed&, const Placed&) = default;
};

Placed place(const Options& options, std::string_view zone, std::string_view region) {
  nsq::broker::SubscriptionOptions subscription;
  set_locality(options, zone, region, subscription);
  return {subscription.locality, subscription.preference};
}

}  // namespace

TEST_CASE("a client is as near as its zone and region say", "[topology]") {
  const Options options = in("z1", "r1");
  CHECK(place(options, "z1", "r1") == Placed{Locality::Zone, Locality::Zone});
  CHECK(place(options, "z1", "r2") == Placed{Locality::Zone, Locality::Zone});
  CHECK(place(options, "z2", "r1") == Placed{Locality::Region, Locality::Region});
  CHECK(place(options, "z2", "r2") == Placed{Locality::Global, Locality::Global});
  CHECK(place(options, "Z1", "") == Placed{Locality::Global, Locality::Global});
}

TEST_CASE("names that are not set are the same, but no reason for preference", "[topology]") {
  CHECK(place(in("", ""), "", "") == Placed{Locality::Zone, Locality::Global});
  CHECK(place(in("", "r1"), "", "r1") == Placed{Locality::Zone, Locality::Region});
  CHECK(place(in("", "r1"), "z1", "r1") == Placed{Locality::Region, Locality::Region});
  CHECK(place(in("z1", ""), "z2", "") == Placed{Locality::Region, Locality::Global});
}

TEST_CASE("without the experiment all clients are the same", "[topology]") {
  CHECK(place(in("z1", "r1", false), "z1", "r1") == Placed{Locality::Global, Locality::Global});
}

TEST_CASE("a client in the daemon's zone comes first", "[topology]") {
  SessionFixture daemon(in("z1", "r1"));
  const auto consumer = [&](const std::string& identify) {
    auto client = daemon.connect();
    CHECK(client->say("IDENTIFY\n" + sized(identify) + "SUB t c\nRDY 5\n") == Frames{"OK", "OK"});
    return client;
  };
  auto far = consumer("{}");
  auto near = consumer(R"({"topology_zone":"z1","topology_region":"r1"})");
  auto producer = daemon.connect();
  CHECK(producer->say(pub("t", "x")) == Frames{"OK"});
  CHECK(far->listen().empty());
  CHECK(near->listen() == Frames{"x/1"});
}
