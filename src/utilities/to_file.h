#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/instant.h"
#include "nsq/config.h"
#include "utilities/archive.h"
#include "utilities/file_names.h"
#include "utilities/source.h"

namespace nsq::utilities {

struct ToFileOptions {
  ToFileOptions();  // what is different in `consumer`

  std::vector<std::string> topic;
  std::string topic_pattern;
  Duration topic_refresh = std::chrono::minutes(1);
  std::string channel = "nsq_to_file";
  Source source;
  std::int64_t max_in_flight = 200;  // per topic
  Config consumer;  // without a limit of attempts, and with backoff of at most 10 s
  Duration http_client_connect_timeout = std::chrono::seconds(2);
  Duration http_client_request_timeout = std::chrono::seconds(5);

  FileNameOptions names;  // but gzip and has_revisions, which follow from the next
  ArchiveOptions archive;
  Duration sync_interval = std::chrono::seconds(30);

  std::string log_level = "info";
  std::string log_prefix = "[nsq_to_file] ";
};

// Appends the messages of some topics to files, one line each (archive.h), and finishes what is on
// the disk. Ends with SIGINT or SIGTERM, with everything received written, or with the first
// failure that will not pass by itself; SIGHUP ends all files. Returns the exit status; what it
// does is in the log, on standard error.
int to_file(const ToFileOptions& options);

}  // namespace nsq::utilities
