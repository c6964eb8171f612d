#include "client/lookup.h"

#include <string>
#include <vector>

#include "client/identity.h"
#include "nsq/client_error.h"
#include "support/catch.h"

using namespace nsq;
using namespace nsq::client;
using Addresses = std::vector<std::string>;

TEST_CASE("a lookupd's address becomes the question's URL", "[client]") {
  const auto url = [](std::string_view address, std::string_view topic = "t") {
    const auto made = lookup_url(address, topic);
    return made ? *made : made.error().context();
  };
  CHECK(url("host:4161") == "http://host:4161/lookup?topic=t");
  CHECK(url("http://host:4161/") == "http://host:4161/lookup?topic=t");
  CHECK(url("https://host:4161/nsq/lookup?a=b") == "https://host:4161/nsq/lookup?a=b&topic=t");
  CHECK(url("http://host:1?a=b") == "http://host:1/lookup?a=b&topic=t");
  CHECK(url("[::1]:4161", "t#ephemeral") == "http://[::1]:4161/lookup?topic=t%23ephemeral");
  CHECK(url("host") == "address host: missing port");
  CHECK(url("[::1]") == "address [::1]: missing port");
  CHECK(url("ftp://host:1") == "ftp://host:1 is no address");
}

TEST_CASE("the daemons are read from both forms of an answer", "[client]") {
  const std::string list =
      R"({"channels":[],"producers":[{"broadcast_address":"a","tcp_port":4150},)"
      R"({"broadcast_address":"::1","tcp_port":4152},{"broadcast_address":"a","tcp_port":4150}]})";
  const Addresses expected{"a:4150", "[::1]:4152"};
  CHECK(*parse_lookup_answer(list) == expected);
  CHECK(*parse_lookup_answer(R"({"status_code":200,"data":)" + list + "}") == expected);
  CHECK(parse_lookup_answer("")->empty());
  CHECK(parse_lookup_answer("{}")->empty());
}

TEST_CASE("entries of an answer that make no address are left out", "[client]") {
  const auto answer = parse_lookup_answer(
      R"({"producers":[{"broadcast_address":"","tcp_port":1},{"broadcast_address":"a b","tcp_port":1},)"
      R"({"broadcast_address":"a","tcp_port":0},{"broadcast_address":"a","tcp_port":70000},7,null,)"
      R"({"broadcast_address":5,"tcp_port":1},{"broadcast_address":"ok","tcp_port":1}]})");
  REQUIRE(answer);
  CHECK(*answer == Addresses{"ok:1"});
}

TEST_CASE("an answer that is none is an error", "[client]") {
  for (const std::string_view text : {"no", "[1]", "{", "null", "\xff"}) {
    CAPTURE(text);
    const auto answer = parse_lookup_answer(text);
    REQUIRE(!answer);
    CHECK(answer.error() == ClientErrc::LookupFailed);
  }
}

TEST_CASE("IDENTIFY asks for what is configured", "[client]") {
  Config config;
  config.client_id = "me";
  config.hostname = "host.example";
  config.user_agent = "test/1";
  config.heartbeat_interval = std::chrono::seconds(5);
  config.output_buffer_timeout = std::chrono::nanoseconds(-1);
  config.sample_rate = 7;
  const std::string body = encode_identify(config);
  for (const std::string_view member :
       {R"("client_id":"me")", R"("short_id":"me")", R"("hostname":"host.example")",
        R"("long_id":"host.example")", R"("user_agent":"test/1 libnsq/)",
        R"("feature_negotiation":true)", R"("heartbeat_interval":5000)",
        R"("output_buffer_timeout":-1)", R"("sample_rate":7)", R"("deflate_level":6)"}) {
    CAPTURE(body, member);
    CHECK(body.find(member) != std::string::npos);
  }
}

TEST_CASE("what IDENTIFY's answer grants is understood, and so is a server without it",
          "[client]") {
  const auto granted = parse_identify_reply(
      R"({"max_rdy_count":7,"tls_v1":true,"snappy":true,"auth_required":true})");
  REQUIRE(granted);
  CHECK(granted->max_rdy_count == 7);
  CHECK(granted->tls_v1);
  CHECK(granted->snappy);
  CHECK(!granted->deflate);
  CHECK(granted->auth_required);
  CHECK(parse_identify_reply("OK")->max_rdy_count == 2500);
  CHECK(parse_identify_reply(R"({"max_rdy_count":-5})")->max_rdy_count == 2500);
  CHECK(!parse_identify_reply("{nonsense"));
}
