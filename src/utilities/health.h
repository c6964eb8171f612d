#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/instant.h"

namespace nsq::utilities {

struct HealthOptions {
  // Of daemons, lookupds or admins: "host:port" or a URL. Without any, those of the usual ports of
  // this host (4151, 4161, 4171) that anybody listens on.
  std::vector<std::string> http_address;
  Duration timeout = std::chrono::seconds(2);  // for one server's answer
  Duration wait{0};                            // how long to go on asking until all is well
  bool absent_is_healthy = false;              // nobody listens: nothing is wrong
};

// Asks servers for /ping, prints a line for each to standard output, and returns the exit status:
// 0 if every one of them answers that it is well, else 1. For container engines and service
// managers, which look at the status alone.
int health(const HealthOptions& options);

}  // namespace nsq::utilities
