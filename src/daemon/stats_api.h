#pragma once

#include "daemon/http_api.h"
#include "daemon/stats_report.h"

namespace nsq::daemon {

// What a statistics report is to be about.
struct StatsRequest {
  broker::StatsFilter filter;
  bool with_memory = true;
};

StatsReport gather_stats(const ApiContext& context, const StatsRequest& request, Moment now);

// GET /stats, as JSON or as text.
void add_stats_api(http::Router& router, const ApiContext& context);

}  // namespace nsq::daemon
