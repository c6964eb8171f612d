#include "lookupd/answers.h"

#include <fmt/format.h>

#include "support/catch.h"
#include "unit/lookupd/registry_fixture.h"

using namespace nsq::lookupd;
using namespace nsq::lookupd::test;

namespace {

constexpr const char* kProducer =
    R"("remote_address":"a:1","hostname":"host","broadcast_address":"a","tcp_port":4150,)"
    R"("http_port":4151,"version":"1.4.0","topology_zone":"","topology_region":"")";

std::string debug_entry(const char* tombstone) {
  return fmt::format(R"({{"broadcast_address":"a","hostname":"host","http_port":4151,"id":"a:1",)"
                     R"("last_update":1795237781000000000,"tcp_port":4150,{},"topology_region":"",)"
                     R"("topology_zone":"","version":"1.4.0"}})",
                     tombstone);
}

}  // namespace

TEST_CASE("an empty registry answers with empty lists", "[lookupd]") {
  const RegistryFixture fixture;
  CHECK(fixture.topics() == R"({"topics":[]})");
  CHECK(fixture.nodes() == R"({"producers":[]})");
  CHECK(fixture.debug() == "{}");
}

TEST_CASE("a lookup shows channels and producers", "[lookupd]") {
  RegistryFixture fixture;
  fixture.registry.create("t", "c");
  const auto show = [&] {
    return lookup_answer(fixture.registry, *fixture.registry.find_topic("t"), fixture.now, {});
  };
  CHECK(show() == R"({"channels":["c"],"producers":[]})");
  fixture.add(fixture.connect("a"), "t");
  CHECK(show() == fmt::format(R"({{"channels":["c"],"producers":[{{{}}}]}})", kProducer));
}

TEST_CASE("nodes show their topics, also where they have none", "[lookupd]") {
  RegistryFixture fixture;
  const auto a = fixture.connect("a");
  CHECK(fixture.nodes() ==
        fmt::format(R"({{"producers":[{{{},"tombstones":[],"topics":[]}}]}})", kProducer));
  fixture.add(a, "t");
  fixture.add(a, "u");
  CHECK(fixture.nodes() ==
        fmt::format(R"({{"producers":[{{{},"tombstones":[false,false],"topics":["t","u"]}}]}})",
                    kProducer));
}

TEST_CASE("the dump has a key for every registration with producers", "[lookupd]") {
  RegistryFixture fixture;
  fixture.add(fixture.connect("a"), "t", "c");
  fixture.registry.create("bare", "c");
  const std::string entry = debug_entry(R"("tombstoned":false,"tombstoned_at":0)");
  CHECK(fixture.debug() ==
        fmt::format(R"({{"channel:t:c":[{0}],"client::":[{0}],"topic:t:":[{0}]}})", entry));
}

TEST_CASE("a long answer comes in slices and is whole", "[lookupd]") {
  RegistryFixture fixture;
  constexpr int kTopics = 3'000;
  for (const char* address : {"a", "b", "c"}) {
    const auto peer = fixture.connect(address);
    for (int i = 0; i < kTopics; ++i) fixture.add(peer, fmt::format("topic-{}", i), "c");
  }
  for (const auto make : {topics_answer, debug_answer}) {
    const auto answer = make(fixture.registry);
    std::string text;
    CHECK_FALSE(answer->write_slice(fixture.now, text));
  }
  const auto count = [](const std::string& text, std::string_view part) {
    int found = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
    return found;
  };
  CHECK(count(fixture.topics(), "\"topic-") == kTopics);
  CHECK(count(fixture.nodes(), "\"topic-") == 3 * kTopics);
  CHECK(count(fixture.nodes(), "false") == 3 * kTopics);
  const std::string dump = fixture.debug();
  CHECK(count(dump, "\"channel:topic-") == kTopics);
  CHECK(count(dump, "\"topic:topic-") == kTopics);
  CHECK(count(dump, "\"id\":\"b:1\"") == 2 * kTopics + 1);
}

TEST_CASE("a long answer copes with what changes between its slices", "[lookupd]") {
  RegistryFixture fixture;
  std::vector<Registry::PeerNumber> peers;
  for (const char* address : {"a", "b", "c"}) {
    peers.push_back(fixture.connect(address));
    for (int i = 0; i < 3'000; ++i) fixture.add(peers.back(), fmt::format("topic-{}", i), "c");
  }
  for (const auto make : {topics_answer, debug_answer}) {
    const auto answer = make(fixture.registry);
    std::string text;
    CHECK_FALSE(answer->write_slice(fixture.now, text));
    // The topic the next slice goes on from, and a peer it would come to.
    const std::size_t name = text.rfind("topic-");
    fixture.registry.delete_topic(text.substr(name, text.find_first_of(":\"", name) - name));
    while (!answer->write_slice(fixture.now, text)) {
    }
    CHECK(text.ends_with("}"));
  }
  const auto nodes = nodes_answer(fixture.registry, fixture.options);
  std::string text;
  CHECK_FALSE(nodes->write_slice(fixture.now, text));
  fixture.registry.remove_peer(peers[1]);
  while (!nodes->write_slice(fixture.now, text)) {
  }
  CHECK_THAT(text, Catch::Contains("\"c:1\""));
  CHECK_THAT(text, !Catch::Contains("\"b:1\""));
}
