#pragma once

#include "http/metrics_writer.h"

namespace nsq::http {

// Adds what every process tells of itself under the names that are usual for it: CPU time, memory,
// file descriptors, when it started. Reads /proc, briefly; what cannot be read is left out.
void add_process_metrics(MetricsWriter& metrics);

}  // namespace nsq::http
