#include "cluster/node.h"

#include "support/catch.h"

using namespace nsq::cluster;

TEST_CASE("a lookupd's nodes are read with their tombstones, topics in order", "[cluster]") {
  const auto nodes = parse_producers(
      R"({"producers":[{"remote_address":"1.2.3.4:5","hostname":"h","broadcast_address":"::1",
      "tcp_port":4150,"http_port":4151,"version":"1.3.0","topology_zone":"z","topics":["b","a"],
      "tombstones":[true]}]})");
  REQUIRE(nodes);
  REQUIRE(nodes->size() == 1);
  const Node& node = nodes->front();
  CHECK(node.http_address() == "[::1]:4151");
  CHECK(node.tcp_address() == "[::1]:4150");
  CHECK(node.zone == "z");
  REQUIRE(node.topics.size() == 2);
  CHECK(node.topics[0].topic == "a");
  CHECK_FALSE(node.topics[0].tombstoned);  // the list of marks was too short
  CHECK(node.topics[1].tombstoned);
}

TEST_CASE("nodes behind the latest version are marked", "[cluster]") {
  const auto marks = [](std::vector<std::string> versions) {
    std::vector<Node> nodes;
    for (const std::string& version : versions) nodes.push_back({.version = version});
    mark_out_of_date(nodes);
    std::vector<bool> marked;
    for (const Node& node : nodes) marked.push_back(node.out_of_date);
    return marked;
  };
  CHECK(marks({"1.2.9", "1.10.0", "1.10.0-alpha"}) == std::vector<bool>{true, false, false});
  CHECK(marks({"odd", "0.3.8", "1.0"}) == std::vector<bool>{true, false, true});
  CHECK(marks({"odd", ""}) == std::vector<bool>{false, false});
}
