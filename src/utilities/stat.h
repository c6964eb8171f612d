#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/instant.h"

namespace nsq::utilities {

struct StatOptions {
  std::string topic;    // empty: all
  std::string channel;  // empty: all of them
  std::vector<std::string> nsqd_http_address;
  std::vector<std::string> lookupd_http_address;
  Duration interval = std::chrono::seconds(2);
  std::optional<std::int64_t> count;  // of reports; without it there is no end
  bool once = false;                  // one overview at once, which has no rates
  bool json = false;                  // overviews as lines of JSON
  Duration http_client_connect_timeout = std::chrono::seconds(2);
  Duration http_client_request_timeout = std::chrono::seconds(5);
};

// Prints the state of a channel, summed up over its daemons, to standard output: one line every
// interval (stat_table.h). Ends after `count` lines, with SIGINT or SIGTERM, or when any of those
// to be asked does not answer: a sum without it would be wrong. Returns the exit status; trouble is
// told on standard error.
//
// Without a channel, or with `once` or `json`, it is an overview of topics and channels every
// interval (overview_text.h), on a terminal drawn in place. That goes on without daemons that do
// not answer, and names them; only if nobody answers to begin with, it ends.
int stat(const StatOptions& options);

}  // namespace nsq::utilities
