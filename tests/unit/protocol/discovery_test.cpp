#include "protocol/discovery.h"

#include "support/catch.h"

using namespace nsq::protocol;
using Outcome = AnswerReader::Outcome;

namespace {

const PeerIdentity kDaemon{.broadcast_address = "node.example",
                           .hostname = "node",
                           .tcp_port = 4150,
                           .http_port = 4151,
                           .version = "1.4.0",
                           .topology_zone = "z",
                           .topology_region = "r"};

}  // namespace

TEST_CASE("a daemon introduces itself with everything about it", "[protocol]") {
  const std::string json = encode_daemon_identity(kDaemon);
  CHECK(json == R"({"broadcast_address":"node.example","hostname":"node","http_port":4151,)"
                R"("tcp_port":4150,"topology_region":"r","topology_zone":"z","version":"1.4.0"})");
  CHECK(parse_peer_identity(json) == kDaemon);
}

TEST_CASE("a lookupd introduces itself without a topology", "[protocol]") {
  PeerIdentity lookupd = kDaemon;
  CHECK(encode_lookupd_identity(lookupd) ==
        R"({"broadcast_address":"node.example","hostname":"node","http_port":4151,)"
        R"("tcp_port":4150,"version":"1.4.0"})");
}

TEST_CASE("an introduction follows the rules of all NSQ documents", "[protocol]") {
  CHECK(parse_peer_identity("null") == PeerIdentity{});
  CHECK(parse_peer_identity(R"({"TCP_Port":1,"tcp_port":2,"more":[{}],"hostname":null})") ==
        PeerIdentity{.tcp_port = 2});
  CHECK_FALSE(parse_peer_identity(R"({"tcp_port":"4150"})"));
  CHECK_FALSE(parse_peer_identity(R"({"tcp_port":4150.0})"));
  CHECK_FALSE(parse_peer_identity("E_INVALID cannot IDENTIFY again"));
  CHECK_FALSE(parse_peer_identity("[]"));
  CHECK_FALSE(parse_peer_identity("{} {}"));
  CHECK_FALSE(parse_peer_identity(""));
}

TEST_CASE("answers are told apart by their length, in whatever pieces they come", "[protocol]") {
  std::string stream;
  append_answer(stream, "OK");
  append_answer(stream, "");
  CHECK(stream == std::string("\0\0\0\2OK\0\0\0\0", 10));
  const AnswerReader reader(100);
  for (std::size_t size = 0; size < 6; ++size) {
    CHECK(reader.read(stream.substr(0, size)).outcome == Outcome::NeedMore);
  }
  const auto first = reader.read(stream);
  CHECK((first.outcome == Outcome::Answer && first.data == "OK" && first.consumed == 6));
  const auto second = reader.read(std::string_view(stream).substr(6));
  CHECK((second.outcome == Outcome::Answer && second.data.empty() && second.consumed == 4));
}

TEST_CASE("an answer that is too long is refused before it is there", "[protocol]") {
  const AnswerReader reader(100);
  CHECK(reader.read(std::string("\0\0\0\x64", 4)).outcome == Outcome::NeedMore);
  CHECK(reader.read(std::string("\0\0\0\x65", 4)).outcome == Outcome::BadSize);
  CHECK(reader.read("\xff\xff\xff\xff").outcome == Outcome::BadSize);
  CHECK(reader.read("HTTP/1.1 400 Bad Request").outcome == Outcome::BadSize);
}

TEST_CASE("of a lookupd's channels those with valid names are taken", "[protocol]") {
  using Names = std::vector<std::string>;
  CHECK(parse_channels_answer(R"({"channels":["a","b#ephemeral","../c","",7e3]})") == std::nullopt);
  CHECK(parse_channels_answer(R"({"channels":["a","b#ephemeral","../c",""]})") ==
        Names{"a", "b#ephemeral"});
  CHECK(parse_channels_answer(R"({"channels":[],"more":1})") == Names{});
  for (const char* nonsense : {"", "null", "[]", "{}", R"({"channels":null})", "OK"}) {
    CHECK_FALSE(parse_channels_answer(nonsense));
  }
}
