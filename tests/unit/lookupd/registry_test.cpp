#include "lookupd/registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "support/catch.h"
#include "unit/lookupd/registry_fixture.h"

using namespace nsq::lookupd;
using namespace nsq::lookupd::test;
using namespace std::chrono_literals;
using Names = std::vector<std::string>;

TEST_CASE("a topic's producers are those that registered it", "[lookupd]") {
  RegistryFixture fixture;
  const auto a = fixture.connect("a");
  const auto b = fixture.connect("b");
  fixture.add(a, "t");
  fixture.add(b, "t", "c");
  fixture.add(b, "u");
  CHECK(fixture.producers("t") == Names{"a", "b"});
  CHECK(fixture.producers("u") == Names{"b"});
  CHECK(fixture.producers("nope") == Names{"none"});
  CHECK(fixture.channels("t") == R"({"channels":["c"]})");
  CHECK(fixture.channels("nope") == R"({"channels":[]})");
  CHECK(fixture.topics() == R"({"topics":["t","u"]})");
}

TEST_CASE("registering says what is new", "[lookupd]") {
  RegistryFixture fixture;
  const auto a = fixture.connect("a");
  const auto first = fixture.registry.add(a, "t", "c");
  CHECK((first.topic && first.channel && !first.too_many));
  const auto other = fixture.registry.add(a, "t", "d");
  CHECK((!other.topic && other.channel));
  const auto again = fixture.registry.add(a, "t", "c");
  CHECK((!again.topic && !again.channel));
  CHECK(fixture.producers("t") == Names{"a"});
}

TEST_CASE("names stay when their producers go", "[lookupd]") {
  RegistryFixture fixture;
  const auto a = fixture.connect("a");
  fixture.add(a, "t", "c");
  SECTION("by unregistering the topic") {
    CHECK(fixture.registry.remove(a, "t", ""));
    CHECK_FALSE(fixture.registry.remove(a, "t", ""));
  }
  SECTION("by disconnecting") {
    fixture.registry.remove_peer(a);
  }
  CHECK(fixture.producers("t").empty());
  CHECK(fixture.channels("t") == R"({"channels":["c"]})");
  CHECK(fixture.debug().find("t:c") == std::string::npos);
}

TEST_CASE("ephemeral names go with their last producer", "[lookupd]") {
  RegistryFixture fixture;
  const auto a = fixture.connect("a");
  const auto b = fixture.connect("b");
  for (const auto peer : {a, b}) {
    fixture.add(peer, "t", "c#ephemeral");
    fixture.add(peer, "e#ephemeral", "kept");
  }
  CHECK(fixture.registry.remove(a, "t", "c#ephemeral"));
  fixture.registry.remove(a, "e#ephemeral", "");
  CHECK(fixture.channels("t") == R"({"channels":["c#ephemeral"]})");
  CHECK(fixture.topics() == R"({"topics":["e#ephemeral","t"]})");
  SECTION("by unregistering") {
    fixture.registry.remove(b, "t", "c#ephemeral");
    fixture.registry.remove(b, "e#ephemeral", "");
  }
  SECTION("by disconnecting") {
    fixture.registry.remove_peer(b);
  }
  CHECK(fixture.channels("t") == R"({"channels":[]})");
  CHECK(fixture.topics() == R"({"topics":["t"]})");
}

TEST_CASE("what is created ahead has no producers", "[lookupd]") {
  RegistryFixture fixture;
  for (int i = 0; i < 2; ++i) {
    CHECK(fixture.registry.create("t", ""));
    CHECK(fixture.registry.create("u", "c"));
  }
  CHECK(fixture.producers("t").empty());
  CHECK(fixture.topics() == R"({"topics":["t","u"]})");
  CHECK(fixture.channels("u") == R"({"channels":["c"]})");
}

TEST_CASE("deleting a topic takes its channels, and makes way for a new one", "[lookupd]") {
  RegistryFixture fixture;
  const auto a = fixture.connect("a");
  const auto b = fixture.connect("b");
  fixture.add(a, "t", "c");
  fixture.add(b, "t", "c");
  fixture.add(a, "u", "c");
  CHECK(fixture.registry.delete_channel("t", "c"));
  CHECK_FALSE(fixture.registry.delete_channel("t", "c"));
  fixture.add(a, "t", "d");
  CHECK(fixture.registry.delete_topic("t"));
  CHECK_FALSE(fixture.registry.delete_topic("t"));
  CHECK(fixture.topics() == R"({"topics":["u"]})");
  fixture.add(b, "t", "");
  CHECK(fixture.producers("t") == Names{"b"});
  CHECK(fixture.channels("t") == R"({"channels":[]})");
}

TEST_CASE("a star is a name like any other", "[lookupd]") {
  RegistryFixture fixture;
  fixture.add(fixture.connect("a"), "t", "c");
  CHECK_FALSE(fixture.registry.delete_topic("*"));
  CHECK(fixture.producers("*") == Names{"none"});
  CHECK(fixture.channels("*") == R"({"channels":[]})");
}

TEST_CASE("a producer not heard from for too long is left out", "[lookupd]") {
  RegistryFixture fixture;
  const auto a = fixture.connect("a");
  fixture.add(a, "t", "c");
  fixture.advance(5min);
  CHECK(fixture.producers("t") == Names{"a"});
  fixture.advance(1ns);
  CHECK(fixture.producers("t").empty());
  CHECK(fixture.nodes() == R"({"producers":[]})");
  CHECK(fixture.channels("t") == R"({"channels":["c"]})");
  fixture.registry.peer(a).last_update = fixture.now;
  CHECK(fixture.producers("t") == Names{"a"});
}

TEST_CASE("a tombstone hides a producer from one topic for a while", "[lookupd]") {
  RegistryFixture fixture;
  const auto a = fixture.connect("a");
  const auto b = fixture.connect("b");
  fixture.add(a, "t");
  fixture.add(a, "u");
  fixture.add(b, "t");
  fixture.registry.set_tombstone("t", "a:4151", fixture.now);
  CHECK(fixture.producers("t") == Names{"b"});
  CHECK(fixture.producers("u") == Names{"a"});
  CHECK_THAT(fixture.nodes(), Catch::Contains(R"("tombstones":[true,false],"topics":["t","u"])"));
  fixture.advance(45s - 1ns);
  CHECK(fixture.producers("t") == Names{"b"});
  fixture.advance(1ns);
  CHECK(fixture.producers("t") == Names{"a", "b"});
  CHECK_THAT(fixture.nodes(), Catch::Contains(R"("tombstones":[false,false])"));
  // It was set, all the same.
  CHECK_THAT(fixture.debug(), Catch::Contains(R"("tombstoned":true,"tombstoned_at":17952377810)"));
}

TEST_CASE("a tombstone is lifted by registering anew, not by registering again", "[lookupd]") {
  RegistryFixture fixture;
  const auto a = fixture.connect("a");
  fixture.add(a, "t");
  fixture.registry.set_tombstone("t", "a:4151", fixture.now);
  fixture.add(a, "t");
  CHECK(fixture.producers("t").empty());
  fixture.registry.remove(a, "t", "");
  fixture.add(a, "t");
  CHECK(fixture.producers("t") == Names{"a"});
}

TEST_CASE("a tombstone names an IPv6 address with brackets or without", "[lookupd]") {
  RegistryFixture fixture;
  fixture.add(fixture.connect("::1"), "t");
  fixture.add(fixture.connect("::1"), "u");
  fixture.registry.set_tombstone("t", "[::1]:4151", fixture.now);
  fixture.registry.set_tombstone("u", "::1:4151", fixture.now);
  CHECK(fixture.producers("t").empty());
  CHECK(fixture.producers("u").empty());
}

TEST_CASE("a tombstone for nobody changes nothing", "[lookupd]") {
  RegistryFixture fixture;
  fixture.add(fixture.connect("a"), "t");
  fixture.registry.set_tombstone("nope", "a:4151", fixture.now);
  fixture.registry.set_tombstone("t", "b:4151", fixture.now);
  fixture.registry.set_tombstone("t", "a:4150", fixture.now);
  CHECK(fixture.producers("t") == Names{"a"});
}

TEST_CASE("the registry's limits hold", "[lookupd]") {
  SECTION("on names") {
    RegistryFixture fixture({.names = 3});
    const auto a = fixture.connect("a");
    fixture.add(a, "t", "c");
    CHECK(fixture.registry.create("u", ""));
    CHECK_FALSE(fixture.registry.create("v", ""));
    CHECK_FALSE(fixture.registry.create("u", "d"));
    CHECK(fixture.registry.add(a, "v", "").too_many);
    CHECK(fixture.registry.add(a, "t", "d").too_many);
    CHECK_FALSE(fixture.registry.add(a, "u", "").too_many);
    fixture.registry.delete_topic("t");
    CHECK(fixture.registry.create("v", "c"));
  }
  SECTION("on one peer") {
    RegistryFixture fixture({.registrations_per_peer = 4});
    const auto a = fixture.connect("a");
    fixture.add(a, "t", "c");
    CHECK_FALSE(fixture.registry.add(a, "u", "").too_many);
    CHECK(fixture.registry.add(a, "v", "").too_many);
    CHECK_FALSE(fixture.registry.add(fixture.connect("b"), "v", "").too_many);
  }
}

// Whatever happens in whatever order, the registry shows what a table of pairs would.
TEST_CASE("a registry agrees with a plain table", "[lookupd]") {
  RegistryFixture fixture;
  std::mt19937 random(7);
  const auto pick = [&](int count) { return static_cast<int>(random() % unsigned(count)); };
  std::map<std::string, Registry::PeerNumber> peers;
  std::map<std::string, std::set<std::string>> topics;  // with their producers
  for (int step = 0; step < 20'000; ++step) {
    const std::string address = fmt::format("n{:02}", pick(12));
    const std::string topic = fmt::format("t{}", pick(20));
    const std::string channel = pick(2) == 0 ? "" : fmt::format("c{}", pick(3));
    const int action = pick(20);
    if (!peers.contains(address)) {
      peers[address] = fixture.connect(address);
    } else if (action == 0) {
      fixture.registry.remove_peer(peers[address]);
      peers.erase(address);
      for (auto& [name, producers] : topics) producers.erase(address);
    } else if (action == 1) {
      CHECK(fixture.registry.delete_topic(topic) == (topics.erase(topic) > 0));
    } else if (action < 13) {
      fixture.add(peers[address], topic, channel);
      topics[topic].insert(address);
    } else {
      fixture.registry.remove(peers[address], topic, channel);
      if (channel.empty() && topics.contains(topic)) topics[topic].erase(address);
    }
    Names expected{"none"};
    if (topics.contains(topic)) expected.assign(topics[topic].begin(), topics[topic].end());
    Names found = fixture.producers(topic);
    std::sort(found.begin(), found.end());
    REQUIRE(found == expected);
  }
  std::size_t registered = 0;
  for (const auto& peer : fixture.registry.peers()) registered += peer ? peer->topics.size() : 0;
  std::size_t known = 0;
  for (const auto& [name, producers] : topics) known += producers.size();
  CHECK(registered == known);
}
