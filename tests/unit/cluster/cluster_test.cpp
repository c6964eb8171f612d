#include "cluster/cluster.h"

#include <memory>

#include "cluster/questions.h"
#include "support/catch.h"
#include "support/fake_server.h"

using namespace nsq::cluster;
using namespace std::chrono_literals;
using nsq::test::FakeAnswer;
using nsq::test::FakeServer;
using nsq::test::run_on;

namespace {

// Long enough that a test which waits for it is noticed, and short enough to end.
constexpr auto kLong = 60s;

// Servers and a cluster that asks them, on one loop.
class ClusterFixture {
 public:
  FakeServer& add(FakeServer::Answer answer) {
    servers_.push_back(std::make_unique<FakeServer>(loop, std::move(answer)));
    return *servers_.back();
  }
  FakeServer& add(std::string body) {
    return add([body](const std::string&) { return FakeAnswer{200, body}; });
  }
  // A daemon that says where it is.
  FakeServer& add_daemon(std::string stats) {
    return add([stats](const std::string& asked) {
      if (asked == "GET /info") return FakeAnswer{200, R"({"version":"1.3.0","hostname":"h"})"};
      return FakeAnswer{200, stats};
    });
  }
  Cluster through_lookupds() { return Cluster(loop, options(addresses(), {})); }
  Cluster direct() { return Cluster(loop, options({}, addresses())); }
  std::vector<std::string> addresses() const {
    std::vector<std::string> all;
    for (const auto& server : servers_) all.push_back(server->address());
    return all;
  }

  template <typename T>
  T run(asio::awaitable<T> work) {
    return run_on(loop, std::move(work));
  }

  asio::io_context loop;
  nsq::Duration patience = 100ms;

 private:
  ClusterOptions options(std::vector<std::string> lookupds, std::vector<std::string> daemons) {
    return {.lookupds = std::move(lookupds),
            .daemons = std::move(daemons),
            .client = {.request_timeout = kLong},
            .patience = patience};
  }
  std::vector<std::unique_ptr<FakeServer>> servers_;
};

std::string producer(std::uint16_t http_port, std::string host) {
  return R"({"remote_address":"9.9.9.9:1","hostname":")" + host +
         R"(","broadcast_address":"127.0.0.1","tcp_port":)" + std::to_string(http_port) +
         R"(,"http_port":)" + std::to_string(http_port) + R"(,"version":"1.3.0"})";
}

}  // namespace

TEST_CASE("topics are those of all lookupds, sorted, each once", "[cluster]") {
  ClusterFixture fixture;
  fixture.add(R"({"topics":["b","a"]})");
  fixture.add(R"({"topics":["c","a"]})");
  auto cluster = fixture.through_lookupds();
  const auto found = fixture.run(cluster.topics());
  REQUIRE(found);
  CHECK(found->value == std::vector<std::string>{"a", "b", "c"});
  CHECK(found->errors.empty());
}

TEST_CASE("a lookupd that fails is named, and the others count", "[cluster]") {
  ClusterFixture fixture;
  fixture.add(R"({"topics":["a"]})");
  fixture.add([](const std::string&) { return FakeAnswer{500, "oh \"no\""}; });
  fixture.add("what?");
  auto cluster = fixture.through_lookupds();
  const auto found = fixture.run(cluster.topics());
  REQUIRE(found);
  CHECK(found->value == std::vector<std::string>{"a"});
  REQUIRE(found->errors.size() == 2);
  CHECK(found->errors[0].find(R"(got response 500 Internal Server Error "oh \"no\"")") !=
        std::string::npos);
  CHECK(found->errors[1].find(fixture.addresses()[2]) != std::string::npos);
}

TEST_CASE("when all fail, or there is none, it is an error that says who", "[cluster]") {
  ClusterFixture fixture;
  fixture.add([](const std::string&) { return FakeAnswer{404, R"({"message":"X"})"}; });
  auto cluster = fixture.through_lookupds();
  const auto nodes = fixture.run(cluster.nodes_of("t", Wait::ForMost));
  REQUIRE_FALSE(nodes);
  CHECK(nodes.error() == ClusterErrc::NobodyAnswered);
  CHECK(nodes.error().context().starts_with("failed to query any nsqlookupd: got response 404"));
  const std::vector<Node> none;
  const StatsFilter everything;
  const auto stats = fixture.run(cluster.stats(none, everything, Wait::ForMost));
  REQUIRE_FALSE(stats);
  CHECK(stats.error().context() == "failed to query any nsqd: ");
}

TEST_CASE("a node known to two lookupds is one, seen by both", "[cluster]") {
  ClusterFixture fixture;
  const std::string both = R"({"producers":[)" + producer(1, "z") + "," + producer(2, "a") + "]}";
  fixture.add(both);
  fixture.add(R"({"producers":[)" + producer(1, "z") + "]}");
  auto cluster = fixture.through_lookupds();
  const auto found = fixture.run(cluster.nodes(Wait::ForMost));
  REQUIRE(found);
  REQUIRE(found->value.size() == 2);
  CHECK(found->value[0].hostname == "a");
  CHECK(found->value[0].remote_addresses.size() == 1);
  CHECK(found->value[1].remote_addresses ==
        std::vector<std::string>{fixture.addresses()[0] + "/9.9.9.9:1",
                                 fixture.addresses()[1] + "/9.9.9.9:1"});
}

TEST_CASE("without lookupds the daemons that have a topic are found by asking all", "[cluster]") {
  ClusterFixture fixture;
  fixture.add_daemon(R"({"topics":[{"topic_name":"t"}]})");
  fixture.add_daemon(R"({"topics":null})");
  auto cluster = fixture.direct();
  const auto found = fixture.run(cluster.nodes_of("t", Wait::ForMost));
  REQUIRE(found);
  REQUIRE(found->value.size() == 1);
  // It did not say its address, so it is where it was asked.
  CHECK(found->value[0].http_address() == fixture.addresses()[0]);
  CHECK(found->value[0].hostname == "h");
}

TEST_CASE("statistics tell of which node they are", "[cluster]") {
  ClusterFixture fixture;
  FakeServer& daemon = fixture.add_daemon(
      R"({"topics":[{"topic_name":"t","channels":[{"channel_name":"c","clients":[{}]}]}]})");
  auto cluster = fixture.direct();
  const auto nodes = fixture.run(cluster.nodes(Wait::ForMost));
  REQUIRE(nodes);
  const StatsFilter filter{.topic = "t", .channel = "c#x", .with_clients = true};
  const auto stats = fixture.run(cluster.stats(nodes->value, filter, Wait::ForMost));
  REQUIRE(stats);
  CHECK(daemon.asked().back() == "GET /stats?format=json&topic=t&channel=c%23x");
  const auto& channel = stats->value.at(0).stats.topics.at(0).channels.at(0);
  CHECK(channel.node == daemon.address());
  CHECK(channel.hostname == "h");
  CHECK(channel.clients->at(0).node == daemon.address());
}

TEST_CASE("daemons are asked where the options say, if they are told apart by that alone",
          "[cluster]") {
  ClusterFixture fixture;
  const std::string elsewhere = R"({"broadcast_address":"192.0.2.1","http_port":9})";
  for (const char* depth : {"2", "3"}) {
    fixture.add([=](const std::string& asked) {
      if (asked == "GET /info") return FakeAnswer{200, elsewhere};
      return FakeAnswer{200,
                        std::string(R"({"topics":[{"topic_name":"t","depth":)") + depth + "}]}"};
    });
  }
  auto cluster = fixture.direct();
  const StatsFilter filter{.topic = "t"};
  const auto stats = fixture.run(cluster.stats_of_daemons(filter, Wait::ForAll));
  REQUIRE(stats);
  REQUIRE(stats->value.size() == 2);
  CHECK(stats->value[0].stats.topics.at(0).depth == 2);
  CHECK(stats->value[1].stats.topics.at(0).depth == 3);
  CHECK(stats->value[0].stats.topics.at(0).node == fixture.addresses()[0]);
}

TEST_CASE("of two hundred daemons twenty that hang hold up nobody, and are named", "[cluster]") {
  ClusterFixture fixture;
  fixture.patience = 2s;  // a busy machine may take a while for the others
  for (int i = 0; i < 200; ++i) {
    if (i % 10 == 3) {
      fixture.add([](const std::string&) -> std::optional<FakeAnswer> { return std::nullopt; });
    } else {
      fixture.add(R"({"topics":[{"topic_name":"t)" + std::to_string(i) + R"("}]})");
    }
  }
  auto cluster = fixture.direct();
  // Were those that hang waited for, this would take a minute.
  const auto found = fixture.run(cluster.topics());
  REQUIRE(found);
  CHECK(found->value.size() == 180);
  REQUIRE(found->errors.size() == 20);
  CHECK(found->errors[0] == "Get \"http://" + fixture.addresses()[3] +
                                "/stats?format=json&include_clients=false\": no answer within "
                                "2s");
}

TEST_CASE("as long as nobody has answered, a round goes on waiting", "[cluster]") {
  ClusterFixture fixture;
  fixture.patience = 1ns;
  fixture.add(R"({"topics":["a"]})");
  auto cluster = fixture.through_lookupds();
  const auto found = fixture.run(cluster.topics());
  REQUIRE(found);
  CHECK(found->value == std::vector<std::string>{"a"});
}

TEST_CASE("what is posted goes to all, and errors are only told", "[cluster]") {
  ClusterFixture fixture;
  FakeServer& good = fixture.add("");
  fixture.add([](const std::string&) { return FakeAnswer{404, "gone"}; });
  auto cluster = fixture.through_lookupds();
  const auto errors = fixture.run(cluster.post_to_lookupds("/topic/create?topic=t"));
  CHECK(good.asked() == std::vector<std::string>{"POST /topic/create?topic=t"});
  CHECK(errors == std::vector<std::string>{R"(got response 404 Not Found "gone")"});
}
