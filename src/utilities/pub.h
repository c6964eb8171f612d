#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/instant.h"
#include "nsq/config.h"

namespace nsq::utilities {

struct PubOptions {
  std::string topic;
  std::vector<std::string> nsqd_tcp_address;  // each gets every message
  std::string delimiter = "\n";
  std::int64_t rate = 0;        // messages per second; 0 or less is no limit
  Duration defer{0};            // until they are delivered; in whole milliseconds
  std::int64_t batch = 10'000;  // messages in one command, at most; deferred ones go alone
  std::string file;             // to read instead of standard input
  Config producer{.stop_timeout = std::chrono::minutes(5)};  // with the last answers
};

// Publishes the pieces of the input, without their delimiters and leaving out empty ones, until it
// ends or SIGINT or SIGTERM comes. Pieces that arrive together are published together. On a
// terminal a line tells how far it has got.
//
// Returns the exit status: success only if every destination has acknowledged everything. It ends
// at the first publish that fails, which is told on standard error, with how many messages were
// acknowledged.
int pub(const PubOptions& options);

}  // namespace nsq::utilities
