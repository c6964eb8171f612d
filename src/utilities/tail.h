#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace nsq::utilities {

struct TailOptions {
  std::vector<std::string> topic;
  std::string channel;  // by default a fresh ephemeral one, for all topics
  std::vector<std::string> nsqd_tcp_address;
  std::vector<std::string> lookupd_http_address;
  std::int64_t max_in_flight = 200;  // per topic
  std::int64_t n = 0;                // per topic; 0 or less is no limit
  bool print_topic = false;
  std::string user_agent;
};

// Prints the messages of some topics to standard output, one per line as they are, and finishes
// what it printed. Ends when any topic has printed `n` messages, or with SIGINT or SIGTERM; what
// was printed is finished by then, and what was received beyond it given back. Returns the exit
// status; trouble is told on standard error.
int tail(const TailOptions& options);

}  // namespace nsq::utilities
