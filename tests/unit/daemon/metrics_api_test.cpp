#include "daemon/metrics_api.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>

#include "api_fixture.h"
#include "daemon/metrics_report.h"

using namespace nsq::daemon::test;
using Catch::Contains;

namespace {

nsq::daemon::Options with_percentiles() {
  nsq::daemon::Options options;
  options.e2e_processing_latency_percentiles = {0.99};
  return options;
}
nsq::broker::Options broker_with_percentiles() {
  nsq::broker::Options options;
  options.e2e_processing_latency_percentiles = {0.99};
  return options;
}

// Names of families, as samples have them.
std::set<std::string> families(const std::string& text) {
  std::set<std::string> names;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    constexpr std::string_view kType = "# TYPE ";
    if (!line.starts_with(kType)) continue;
    line.erase(0, kType.size());
    const std::string name = line.substr(0, line.find(' '));
    CHECK(names.insert(name).second);  // each family once
  }
  return names;
}

// The names in the first cells of docs/metrics.md's tables, and in the second of its channels'.
std::set<std::string> documented() {
  std::ifstream file(NSQ_DOCS_DIRECTORY "/metrics.md");
  const std::string page{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  std::set<std::string> names;
  const std::regex name("\\| `((nsq|nsqd|process)_[a-z0-9_]+)`");
  for (std::sregex_iterator at(page.begin(), page.end(), name), end; at != end; ++at)
    names.insert((*at)[1]);
  return names;
}

// A daemon in memory with a topic, a channel and a consumer that is connected without a socket.
class MetricsFixture : public ApiFixture {
 public:
  MetricsFixture() : ApiFixture(with_percentiles(), broker_with_percentiles()) {
    REQUIRE(post("/topic/create?topic=t").status == 200);
    REQUIRE(post("/channel/create?topic=t&channel=c").status == 200);
    REQUIRE(post("/pub?topic=t", "12345").status == 200);
  }
};

}  // namespace

TEST_CASE("/metrics tells of topics and channels under every name they go by", "[daemon]") {
  MetricsFixture api;
  const Reply reply = api.get("/metrics");
  CHECK(reply.status == 200);
  for (const char* line : {
           "# TYPE nsq_topic_message_count counter\nnsq_topic_message_count{topic=\"t\"} 1\n",
           "\nnsq_topic_message_bytes{topic=\"t\"} 5\n",
           "\nnsq_topic_channel_count{topic=\"t\"} 1\n",
           "\nnsq_channel_depth{topic=\"t\",channel=\"c\"} 1\n",
           "\nnsq_topic_channel_depth{topic=\"t\",channel=\"c\"} 1\n",
           "\nnsq_topic_channel_clients{topic=\"t\",channel=\"c\"} 0\n",
           "\nnsq_channel_e2e_latency_99p{topic=\"t\",channel=\"c\"} 0\n",
           "\nnsqd_channel_paused{topic=\"t\",channel=\"c\"} 0\n",
           "\nnsqd_healthy 1\n",
           "\nnsqd_topics 1\n",
           "\nnsqd_storage_errors_total{attempt=\"write journal\"} 0\n",
           "\nnsqd_clients_closed_total{reason=\"protocol error\"} 0\n",
           "\nnsqd_publish_duration_seconds_count 1\n",
           "\nnsqd_finish_latency_seconds_count 0\n",
       }) {
    CHECK_THAT(reply.body, Contains(line));
  }
}

TEST_CASE("docs/metrics.md lists the metrics there are, and no others", "[daemon]") {
  MetricsFixture api;
  const auto told = families(api.get("/metrics?clients=true").body);
  const auto listed = documented();
  CHECK(listed.size() > 50);
  std::vector<std::string> missing, surplus;
  std::set_difference(told.begin(), told.end(), listed.begin(), listed.end(),
                      std::back_inserter(missing));
  std::set_difference(listed.begin(), listed.end(), told.begin(), told.end(),
                      std::back_inserter(surplus));
  CHECK(missing == std::vector<std::string>{});
  CHECK(surplus == std::vector<std::string>{});
}

TEST_CASE("/metrics can be kept to some names, topics and channels", "[daemon]") {
  MetricsFixture api;
  REQUIRE(api.post("/topic/create?topic=other").status == 200);
  const std::string exporter = api.get("/metrics?names=exporter").body;
  CHECK_THAT(exporter, Contains("nsq_topic_depth{") && Contains("nsq_channel_depth{") &&
                           !Contains("nsq_topic_channel_depth{") && !Contains("nsqd_topic_"));
  const std::string statsd = api.get("/metrics?names=statsd").body;
  CHECK_THAT(statsd, Contains("nsq_topic_depth{") && Contains("nsq_topic_channel_depth{") &&
                         !Contains("nsq_channel_depth{") && !Contains("nsqd_topic_"));
  const std::string own = api.get("/metrics?names=own").body;
  CHECK_THAT(
      own, Contains("nsqd_topic_paused{") && !Contains("nsq_topic_") && !Contains("nsq_channel_"));
  const std::string one = api.get("/metrics?topic=t").body;
  CHECK_THAT(one, Contains("topic=\"t\"") && !Contains("topic=\"other\""));
  CHECK_THAT(api.get("/metrics?channel=c").body, !Contains("topic=\"other\""));
  for (const char* bad :
       {"/metrics?names=", "/metrics?names=own,", "/metrics?names=all", "/metrics?names=own%zz"}) {
    CHECK(api.get(bad) == refused(400, "INVALID_REQUEST"));
  }
}

TEST_CASE("clients are told of when asked for, each by labels of its own", "[daemon]") {
  nsq::daemon::StatsReport report;
  report.with_clients = true;
  nsq::daemon::ClientReport client;
  client.info.client_id = "a \"client\"\n";
  client.info.hostname = "h";
  client.info.remote_address = "@";
  client.subscription.ready_count = 5;
  nsq::daemon::ChannelReport channel;
  channel.stats.name = "c";
  channel.clients = {client, client};  // over a Unix socket, which has no addresses
  nsq::daemon::TopicReport topic;
  topic.stats.name = "t";
  topic.channels = {channel};
  report.topics = {topic};
  client.info.pub_counts = {{"t", 3}, {"u", 4}};
  report.producers = {client};
  const nsq::broker::Meters meters;
  const auto text = write_metrics(report, {}, meters, {}, nsq::http::MetricsFormat::Prometheus);
  CHECK_THAT(text, Contains("nsq_client_ready_count{topic=\"t\",channel=\"c\",client_id=\"a "
                            "\\\"client\\\"\\n\",hostname=\"h\",remote_address=\"@\"} 5\n"));
  CHECK_THAT(text, Contains("hostname=\"h\",remote_address=\"@ #2\"} 5\n"));
  CHECK_THAT(text, Contains("nsqd_producer_messages_total{topic=\"u\",client_id=\"a "
                            "\\\"client\\\"\\n\",hostname=\"h\",remote_address=\"@\"} 4\n"));
  report.with_clients = false;
  CHECK_THAT(write_metrics(report, {}, meters, {}, nsq::http::MetricsFormat::Prometheus),
             !Contains("client_id"));
}
