#pragma once

#include "daemon/http_api.h"

namespace nsq::daemon {

// GET /metrics, in Prometheus's text format or as OpenMetrics; docs/metrics.md has the table.
void add_metrics_api(http::Router& router, const ApiContext& context);

}  // namespace nsq::daemon
