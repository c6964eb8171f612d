#pragma once

#include <cstdint>
#include <string>

#include "base/instant.h"
#include "cluster/cluster.h"
#include "http/metrics_writer.h"

namespace nsq::admin {

// What was asked of the server since its start.
struct RequestCounts {
  std::uint64_t pages = 0;    // the page and what belongs to it
  std::uint64_t queries = 0;  // what is shown on it
  std::uint64_t actions = 0;
  std::uint64_t refused_actions = 0;  // of those, by users who may not act, or for other sites
};

// What /metrics tells. docs/metrics.md lists the names.
struct MetricsReport {
  RequestCounts requests{};
  cluster::QuestionCounts questions{};
  std::uint64_t cache_hits = 0;
  std::uint64_t cache_misses = 0;
  std::uint64_t history_series = 0;
  std::uint64_t history_bytes = 0;
  Duration uptime{};
};

// With the process's own figures added.
std::string metrics_text(const MetricsReport& report, http::MetricsFormat format);

}  // namespace nsq::admin
