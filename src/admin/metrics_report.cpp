#include "admin/metrics_report.h"

#include <chrono>

#include "base/version.h"
#include "http/process_metrics.h"

namespace nsq::admin {

using http::MetricLabels;
using Type = http::MetricsWriter::Type;

std::string metrics_text(const MetricsReport& report, http::MetricsFormat format) {
  http::MetricsWriter metrics(format);
  metrics.family("nsqadmin_build_info", Type::Gauge, "1, with what the server is.");
  metrics.sample(MetricLabels().add("version", version()).add("toolchain", toolchain()), 1);
  metrics.family("nsqadmin_uptime_seconds", Type::Gauge, "Since the start.");
  metrics.sample(std::chrono::duration<double>(report.uptime).count());

  metrics.family("nsqadmin_requests", Type::Counter, "Requests, by what they were about.");
  metrics.sample(MetricLabels().add("kind", "page"), report.requests.pages);
  metrics.sample(MetricLabels().add("kind", "query"), report.requests.queries);
  metrics.sample(MetricLabels().add("kind", "action"), report.requests.actions);
  metrics.family("nsqadmin_refused_actions", Type::Counter,
                 "Actions refused, by users who may not act or for other sites.");
  metrics.sample(report.requests.refused_actions);

  metrics.family("nsqadmin_upstream_requests", Type::Counter,
                 "Requests put to daemons and lookupds.");
  metrics.sample(report.questions.asked);
  metrics.family("nsqadmin_upstream_failures", Type::Counter,
                 "Those of them that were not answered in time, or by an error.");
  metrics.sample(report.questions.failed);

  metrics.family("nsqadmin_cache_hits", Type::Counter,
                 "Queries of the page that shared another's answer.");
  metrics.sample(report.cache_hits);
  metrics.family("nsqadmin_cache_misses", Type::Counter,
                 "Queries of the page that the cluster was asked for.");
  metrics.sample(report.cache_misses);

  metrics.family("nsqadmin_history_series", Type::Gauge, "Series kept for charts.");
  metrics.sample(report.history_series);
  metrics.family("nsqadmin_history_bytes", Type::Gauge, "Memory the series take.");
  metrics.sample(report.history_bytes);
  http::add_process_metrics(metrics);
  return metrics.take_text();
}

}  // namespace nsq::admin
