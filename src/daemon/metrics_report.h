#pragma once

#include <string>

#include "daemon/client_service.h"
#include "daemon/stats_report.h"
#include "http/metrics_writer.h"

namespace nsq::daemon {

// Which names topics and channels are told under; all by default.
struct MetricNames {
  bool exporter = true;  // nsq_channel_depth: what nsq_exporter and its kin export
  bool statsd = true;    // nsq_topic_channel_depth: what statsd_exporter makes of statsd's keys
  bool own = true;       // nsqd_channel_paused: what those have no name for
};

// What is told beside StatsReport.
struct DaemonFigures {
  std::uint64_t accepted_connections = 0;
  std::array<std::uint64_t, kCloseReasonCount> closed_connections{};  // by CloseReason
  std::size_t connections = 0;
  // Of the file system that holds the messages; 0 where unknown.
  std::uint64_t disk_size_bytes = 0;
  std::uint64_t disk_free_bytes = 0;
};

// Everything /metrics tells, as docs/metrics.md lists it. Takes time in proportion to the number of
// channels, whatever their depth. Any thread.
std::string write_metrics(const StatsReport& report, const DaemonFigures& figures,
                          const broker::Meters& meters, MetricNames names,
                          http::MetricsFormat format);

}  // namespace nsq::daemon
