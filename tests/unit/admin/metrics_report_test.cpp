#include "admin/metrics_report.h"

#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

#include "support/catch.h"

using namespace nsq::admin;
using namespace std::chrono_literals;
using Catch::Contains;
using nsq::http::MetricsFormat;

TEST_CASE("/metrics tells what was asked, of whom, and what it came to", "[admin]") {
  const MetricsReport report{
      .requests = {.pages = 1, .queries = 2, .actions = 3, .refused_actions = 4},
      .questions = {.asked = 5, .failed = 6},
      .cache_hits = 7,
      .cache_misses = 8,
      .history_series = 9,
      .history_bytes = 10,
      .uptime = 1500ms};
  const std::string text = metrics_text(report, MetricsFormat::Prometheus);
  for (const char* line : {
           "# TYPE nsqadmin_requests_total counter\n",
           "\nnsqadmin_requests_total{kind=\"page\"} 1\n",
           "\nnsqadmin_requests_total{kind=\"query\"} 2\n",
           "\nnsqadmin_requests_total{kind=\"action\"} 3\n",
           "\nnsqadmin_refused_actions_total 4\n",
           "\nnsqadmin_upstream_requests_total 5\n",
           "\nnsqadmin_upstream_failures_total 6\n",
           "\nnsqadmin_cache_hits_total 7\n",
           "\nnsqadmin_cache_misses_total 8\n",
           "\nnsqadmin_history_series 9\n",
           "\nnsqadmin_history_bytes 10\n",
           "\nnsqadmin_uptime_seconds 1.5\n",
           "\nprocess_open_fds ",
       }) {
    CHECK_THAT(text, Contains(line));
  }
}

TEST_CASE("docs/metrics.md lists the admin server's own metrics, and no others", "[admin]") {
  const auto names = [](const std::string& text, const char* pattern) {
    std::set<std::string> found;
    const std::regex name(pattern);
    for (std::sregex_iterator at(text.begin(), text.end(), name), end; at != end; ++at)
      found.insert((*at)[1]);
    return found;
  };
  std::ifstream file(NSQ_DOCS_DIRECTORY "/metrics.md");
  REQUIRE(file.is_open());
  const std::string page{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const auto listed = names(page, "\\| `(nsqadmin_[a-z_]+)`");
  CHECK(listed.size() == 10);
  CHECK(names(metrics_text({}, MetricsFormat::Prometheus), "# TYPE (nsqadmin_[a-z_]+) ") == listed);
}
