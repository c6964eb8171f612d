#include <cstdlib>
#include <ctime>

#include "api_fixture.h"
#include "daemon/stats_api.h"
#include "daemon/stats_report.h"
#include "daemon/version.h"
#include "support/catch.h"

using namespace std::chrono_literals;
using namespace nsq::daemon::test;
using namespace nsq::daemon;
using nsq::Timestamp;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

ClientReport consumer() {
  ClientReport client;
  client.info.client_id = "con1";
  client.info.hostname = "con1.example";
  client.info.user_agent = "py/1";
  client.info.remote_address = "127.0.0.1:47074";
  client.info.state = nsq::protocol::ConnectionState::Subscribed;
  client.info.connected = Timestamp(1'795'237'908 * kSecond + 10);
  client.subscription.ready_count = 4;
  client.subscription.in_flight_count = 3;
  client.subscription.message_count = 19;
  client.subscription.finish_count = 15;
  client.subscription.requeue_count = 1;
  return client;
}

ClientReport producer() {
  ClientReport client;
  client.info.client_id = "prod1";
  client.info.hostname = "prod1.example";
  client.info.user_agent = "py/1";
  client.info.remote_address = "127.0.0.1:47064";
  client.info.connected = Timestamp(1'795'237'908 * kSecond);
  client.info.pub_counts = {{"orders", 5}, {"audit", 2}};
  return client;
}

nsq::broker::LatencyStats latency() {
  return {.count = 15, .measured = true, .percentiles = {{1, 4638276}, {0.5, 3200}}};
}

// A topic with a channel and a consumer, one that is paused, and a producer.
StatsReport report() {
  StatsReport report;
  report.now.wall = Timestamp(1'795'237'911 * kSecond + 146'424'095);
  report.start_time = Timestamp(1'795'237'781 * kSecond);
  report.health = "OK";
  TopicReport& orders = report.topics.emplace_back();
  orders.stats.name = "orders";
  orders.stats.message_count = 25;
  orders.stats.message_bytes = 1250;
  orders.stats.e2e_processing_latency = latency();
  ChannelReport& billing = orders.channels.emplace_back();
  billing.stats.name = "billing";
  billing.stats.depth = 7;
  billing.stats.backend_depth = 2;
  billing.stats.in_flight_count = 3;
  billing.stats.deferred_count = 1;
  billing.stats.message_count = 25;
  billing.stats.delivery_count = 19;
  billing.stats.requeue_count = 1;
  billing.stats.client_count = 1;
  billing.stats.e2e_processing_latency = latency();
  billing.clients = {consumer()};
  TopicReport& other = report.topics.emplace_back();
  other.stats.name = "t2";
  other.stats.paused = true;
  ChannelReport& paused = other.channels.emplace_back();
  paused.stats.name = "c1";
  paused.stats.paused = true;
  report.producers = {producer()};
  return report;
}

void use_utc() {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
}

bool contains(const std::string& text, const std::string& part) {
  INFO(text);
  CHECK_THAT(text, Catch::Contains(part));
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("statistics as text are laid out to the space", "[daemon]") {
  use_utc();
  CHECK(write_stats_text(report()) ==
        "nsqd v" + std::string(version()) + " (built w/" + std::string(toolchain()) +
            ")\n"
            "start_time 2026-11-21T05:09:41Z\n"
            "uptime 2m10.146424095s\n"
            "\n"
            "Health: OK\n"
            "\n"
            "Topics:\n"
            "   [orders         ] depth: 0     be-depth: 0     msgs: 25       e2e%: 4.6ms, 3.2us\n"
            "      [billing                  ] depth: 7     be-depth: 2     inflt: 3    def: 1    "
            "re-q: 1     timeout: 0     msgs: 25       e2e%: 4.6ms, 3.2us\n"
            "        [V2 con1.example:47074 py/1] state: 3 inflt: 3    rdy: 4    fin: 15       "
            "re-q: 1        msgs: 19       connected: 3s\n"
            "\n"
            "*P [t2             ] depth: 0     be-depth: 0     msgs: 0        e2e%: \n"
            "   *P [c1                       ] depth: 0     be-depth: 0     inflt: 0    def: 0    "
            "re-q: 0     timeout: 0     msgs: 0        e2e%: \n"
            "\n"
            "Producers:\n"
            "   [V2 prod1.example:47064 py/1] msgs: 7        topics: orders=5,audit=2 "
            "connected: 3s\n");
}

TEST_CASE("statistics as text say when there is nothing", "[daemon]") {
  use_utc();
  StatsReport empty = report();
  empty.topics.clear();
  empty.producers.clear();
  empty.memory = MemoryStats{.heap_idle_bytes = 12};
  const std::string text = write_stats_text(empty);
  CHECK_THAT(text, Catch::EndsWith("\n"
                                   "Health: OK\n"
                                   "\n"
                                   "Memory:\n"
                                   "   heap_objects             \t0\n"
                                   "   heap_idle_bytes          \t12\n"
                                   "   heap_in_use_bytes        \t0\n"
                                   "   heap_released_bytes      \t0\n"
                                   "   gc_pause_usec_100        \t0\n"
                                   "   gc_pause_usec_99         \t0\n"
                                   "   gc_pause_usec_95         \t0\n"
                                   "   next_gc_bytes            \t0\n"
                                   "   gc_total_runs            \t0\n"
                                   "\n"
                                   "Topics: None\n"
                                   "\n"
                                   "Producers: None\n"));
}

TEST_CASE("the time zone is shown as an offset", "[daemon]") {
  ::setenv("TZ", "<+0530>-05:30", 1);
  ::tzset();
  CHECK_THAT(write_stats_text(report()), Catch::Contains("start_time 2026-11-21T10:39:41+05:30\n"));
  ::setenv("TZ", "<-0330>03:30", 1);
  ::tzset();
  CHECK_THAT(write_stats_text(report()), Catch::Contains("start_time 2026-11-21T01:39:41-03:30\n"));
  use_utc();
}

TEST_CASE("statistics as JSON have their members in order", "[daemon]") {
  const std::string latency =
      R"("e2e_processing_latency":{"count":15,"percentiles":[{"quantile":1,"value":4638276},{"quantile":0.5,"value":3200}]})";
  CHECK(write_stats_json(report()) ==
        R"({"version":")" + std::string(version()) +
            R"(","health":"OK","start_time":1795237781,"topics":[)"
            R"({"topic_name":"orders","channels":[{"channel_name":"billing","depth":7,)"
            R"("backend_depth":2,"in_flight_count":3,"deferred_count":1,"message_count":25,)"
            R"("global_msg_count":19,"requeue_count":1,"timeout_count":0,"client_count":1,)"
            R"("clients":[{"client_id":"con1","hostname":"con1.example","version":"V2",)"
            R"("remote_address":"127.0.0.1:47074","state":3,"ready_count":4,"in_flight_count":3,)"
            R"("message_count":19,"finish_count":15,"requeue_count":1,"connect_ts":1795237908,)"
            R"("sample_rate":0,"deflate":false,"snappy":false,"user_agent":"py/1",)"
            R"("topology_zone":"","topology_region":"","tls":false,"tls_cipher_suite":"",)"
            R"("tls_version":"","tls_negotiated_protocol":"",)"
            R"("tls_negotiated_protocol_is_mutual":false}],"paused":false,)" +
            latency +
            R"(}],"depth":0,"backend_depth":0,"message_count":25,"message_bytes":1250,)"
            R"("paused":false,)" +
            latency +
            R"(},{"topic_name":"t2","channels":[{"channel_name":"c1","depth":0,"backend_depth":0,)"
            R"("in_flight_count":0,"deferred_count":0,"message_count":0,"requeue_count":0,)"
            R"("timeout_count":0,"client_count":0,"clients":[],"paused":true,)"
            R"("e2e_processing_latency":{"count":0,"percentiles":null}}],"depth":0,)"
            R"("backend_depth":0,"message_count":0,"message_bytes":0,"paused":true,)"
            R"("e2e_processing_latency":{"count":0,"percentiles":null}}],"producers":[)"
            R"({"client_id":"prod1","hostname":"prod1.example","version":"V2",)"
            R"("remote_address":"127.0.0.1:47064","state":0,"ready_count":0,"in_flight_count":0,)"
            R"("message_count":0,"finish_count":0,"requeue_count":0,"connect_ts":1795237908,)"
            R"("sample_rate":0,"deflate":false,"snappy":false,"user_agent":"py/1",)"
            R"("topology_zone":"","topology_region":"","pub_counts":[{"topic":"orders","count":5},)"
            R"({"topic":"audit","count":2}],"tls":false,"tls_cipher_suite":"","tls_version":"",)"
            R"("tls_negotiated_protocol":"","tls_negotiated_protocol_is_mutual":false}]})");
}

TEST_CASE("which lists are null and which are empty is part of the contract", "[daemon]") {
  ApiFixture api;
  const std::string json = "/stats?format=json&include_mem=0";
  CHECK(contains(api.get(json).body, R"("topics":[],"producers":null})"));
  api.post("/topic/create?topic=t");
  api.post("/channel/create?topic=t&channel=c");
  CHECK(contains(api.get(json + "&topic=nope").body, R"("topics":null,)"));
  CHECK(contains(api.get(json + "&channel=nope").body, R"("topics":[],)"));
  CHECK(contains(api.get(json).body, R"("client_count":0,"clients":[],)"));
  CHECK(contains(api.get(json + "&include_clients=false").body,
                 R"("client_count":0,"clients":null,)"));
}

TEST_CASE("only these words leave memory and clients out", "[daemon]") {
  ApiFixture api;
  for (const char* word : {"0", "false"}) {
    CHECK_THAT(api.get("/stats?format=json&include_mem=" + std::string(word)).body,
               !Catch::Contains("memory"));
  }
  for (const char* word : {"", "1", "true", "FALSE", "no"}) {
    CHECK_THAT(api.get("/stats?format=json&include_mem=" + std::string(word)).body,
               Catch::Contains("\"memory\":{\"heap_objects\":0,"));
  }
  CHECK(api.get("/stats?format=%zz") == refused(400, "INVALID_REQUEST"));
  CHECK_THAT(api.get("/stats?format=JSON").body, Catch::StartsWith("nsqd v"));
}

TEST_CASE("latencies are shown in the largest unit below them", "[daemon]") {
  CHECK(latency_text(0) == "0.0ns");
  CHECK(latency_text(1000) == "1000.0ns");
  CHECK(latency_text(1001) == "1.0us");
  CHECK(latency_text(232'600) == "232.6us");
  CHECK(latency_text(4'638'276) == "4.6ms");
  CHECK(latency_text(1.5e9) == "1.5s");
}

TEST_CASE("what damage has cost is told where there is any, and only there", "[daemon]") {
  StatsReport undamaged = report();
  CHECK(write_stats_text(undamaged).find("Damage") == std::string::npos);
  StatsReport damaged = report();
  damaged.topics[0].stats.damaged_count = 3;
  damaged.topics[0].channels.at(0).stats.lost_count = 5;
  CHECK(write_stats_text(damaged).find("Health: OK\nDamage: 3 places, 5 messages lost\n") !=
        std::string::npos);
  const std::string json = write_stats_json(damaged);
  CHECK(json.find("\"damaged_count\":3") != std::string::npos);
  CHECK(json.find("\"lost_count\":5") != std::string::npos);
}

TEST_CASE("damage is no reason to be taken out of service, but ping tells of it", "[daemon]") {
  ApiFixture api;
  CHECK(api.get("/ping") == ok("OK"));
  CHECK(api.headers.empty());
  api.broker.meters().damaged_places = 2;
  api.broker.meters().lost_messages = 7;
  CHECK(api.get("/ping") == ok("OK"));
  CHECK(api.headers == "X-Nsq-Damage: 2 damaged places, 7 messages lost\r\n");
}
