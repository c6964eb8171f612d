#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace nsq::utilities {

struct PubOptions {
  std::string topic;
  std::vector<std::string> nsqd_tcp_address;  // each gets every message
  std::string delimiter = "\n";
  std::int64_t rate = 0;  // messages per second; 0 or less is no limit
  std::string user_agent;
};

// Publishes the pieces of standard input, without their delimiters and leaving out empty ones,
// until it ends or SIGINT or SIGTERM comes. Pieces that arrive together are published together.
// Returns the exit status: failure at the first publish that fails, which is told on standard
// error.
int pub(const PubOptions& options);

}  // namespace nsq::utilities
