#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nsq/config.h"
#include "utilities/json_filter.h"
#include "utilities/source.h"

namespace nsq::utilities {

struct ToNsqOptions {
  std::vector<std::string> topic;
  std::string channel = "nsq_to_nsq";
  Source source;
  std::int64_t max_in_flight = 200;  // per topic
  Config consumer;

  std::vector<std::string> destination_nsqd_tcp_address;
  std::string destination_topic;  // empty: the one it comes from
  std::string mode = "hostpool";  // see host_pool.h
  Config producer;

  JsonFilterOptions filter;
  std::int64_t status_every = 250;  // published messages between two reports of times; 0: none
};

// Publishes the messages of some topics to other daemons, until SIGINT or SIGTERM. A message is
// finished when its destination has stored it, and put back when no destination has; those that the
// filter drops are finished at once. Returns the exit status; trouble is told on standard error.
int to_nsq(const ToNsqOptions& options);

}  // namespace nsq::utilities
