#include "http/metrics_writer.h"

#include <string>

#include "http/process_metrics.h"
#include "support/catch.h"

using namespace nsq::http;
using namespace std::chrono_literals;
using Type = MetricsWriter::Type;

TEST_CASE("metrics are written with help, type and labels", "[metrics]") {
  MetricsWriter metrics(MetricsFormat::Prometheus);
  metrics.family("x_depth", Type::Gauge, "Depth.");
  metrics.sample(MetricLabels().add("topic", "t").add("channel", "c"), 5);
  metrics.sample(MetricLabels().add("topic", "u"), -1);
  metrics.family("x_sent", Type::Counter, "Sent.");
  metrics.sample(std::uint64_t{18'446'744'073'709'551'615U});
  metrics.family("x_old_count", Type::OldCounter, "Old.");
  metrics.sample(0.25);
  CHECK(metrics.take_text() ==
        "# HELP x_depth Depth.\n"
        "# TYPE x_depth gauge\n"
        "x_depth{topic=\"t\",channel=\"c\"} 5\n"
        "x_depth{topic=\"u\"} -1\n"
        "# HELP x_sent_total Sent.\n"
        "# TYPE x_sent_total counter\n"
        "x_sent_total 18446744073709551615\n"
        "# HELP x_old_count Old.\n"
        "# TYPE x_old_count counter\n"
        "x_old_count 0.25\n");
}

TEST_CASE("OpenMetrics names counters without their suffix, and says where it ends", "[metrics]") {
  MetricsWriter metrics(MetricsFormat::OpenMetrics);
  metrics.family("x_sent", Type::Counter, "Sent.");
  metrics.sample(1);
  metrics.family("x_old_count", Type::OldCounter, "Old.");
  metrics.sample(2);
  CHECK(metrics.take_text() ==
        "# HELP x_sent Sent.\n"
        "# TYPE x_sent counter\n"
        "x_sent_total 1\n"
        "# HELP x_old_count Old.\n"
        "# TYPE x_old_count unknown\n"
        "x_old_count 2\n"
        "# EOF\n");
}

TEST_CASE("labels and help are escaped", "[metrics]") {
  CHECK(MetricLabels().add("a", "q\"b\\n\nl").text() == "a=\"q\\\"b\\\\n\\nl\"");
  MetricsWriter metrics(MetricsFormat::Prometheus);
  metrics.family("x", Type::Gauge, "a\\b\n\"c\"");
  CHECK(metrics.take_text() == "# HELP x a\\\\b\\n\"c\"\n# TYPE x gauge\n");
}

TEST_CASE("a histogram's buckets add up", "[metrics]") {
  nsq::Histogram histogram;
  histogram.add(1ms);
  histogram.add(2s, 2);
  histogram.add(48h);
  MetricsWriter metrics(MetricsFormat::OpenMetrics);
  metrics.family("x_seconds", Type::Histogram, "Times.");
  metrics.histogram(histogram.snapshot());
  const std::string text = metrics.take_text();
  CHECK_THAT(text, Catch::StartsWith("# HELP x_seconds Times.\n# TYPE x_seconds histogram\n"
                                     "x_seconds_bucket{le=\"5e-05\"} 0\n"));
  CHECK_THAT(text, Catch::Contains("x_seconds_bucket{le=\"0.0005\"} 0\n"
                                   "x_seconds_bucket{le=\"0.001\"} 1\n"));
  CHECK_THAT(text, Catch::Contains("x_seconds_bucket{le=\"1.0\"} 1\n"
                                   "x_seconds_bucket{le=\"2.5\"} 3\n"));
  CHECK_THAT(text, Catch::Contains("x_seconds_bucket{le=\"86400.0\"} 3\n"
                                   "x_seconds_bucket{le=\"+Inf\"} 4\n"
                                   "x_seconds_sum 172804.001\n"
                                   "x_seconds_count 4\n"));
}

TEST_CASE("OpenMetrics is for those who ask for it", "[metrics]") {
  const auto is_open = [](std::string_view accept) {
    return metrics_format(accept) == MetricsFormat::OpenMetrics;
  };
  CHECK_FALSE(is_open(""));
  CHECK_FALSE(is_open("*/*"));
  CHECK_FALSE(is_open("text/plain"));
  CHECK(is_open("application/openmetrics-text"));
  // What Prometheus sends.
  CHECK(
      is_open("application/openmetrics-text;version=1.0.0,application/"
              "openmetrics-text;version=0.0.1;q=0.75,"
              "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"));
  CHECK(is_open("text/plain; q=0.3, Application/OpenMetrics-Text ; Q=0.4"));
  CHECK_FALSE(is_open("text/plain, application/openmetrics-text;q=0.5"));
  CHECK_FALSE(is_open("application/openmetrics-text;q=0"));
  CHECK_FALSE(is_open("application/openmetrics-text;q=x"));
  CHECK_FALSE(is_open(",;,=;q,"));
}

TEST_CASE("a process tells of itself under the usual names", "[metrics]") {
  MetricsWriter metrics(MetricsFormat::Prometheus);
  add_process_metrics(metrics);
  const std::string text = metrics.take_text();
  for (const char* name : {"process_cpu_seconds_total ", "process_resident_memory_bytes ",
                           "process_virtual_memory_bytes ", "process_start_time_seconds ",
                           "process_open_fds ", "process_max_fds ", "process_threads "}) {
    CHECK_THAT(text, Catch::Contains("\n" + std::string(name)));
  }
}
