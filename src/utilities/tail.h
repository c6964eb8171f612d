#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nsq/config.h"
#include "utilities/message_text.h"
#include "utilities/source.h"

namespace nsq::utilities {

struct TailOptions {
  std::vector<std::string> topic;
  std::string channel;  // by default a fresh ephemeral one, for all topics
  Source source;
  std::int64_t max_in_flight = 200;  // per topic; no more than `n`
  std::int64_t n = 0;                // per topic; 0 or less is no limit
  bool print_topic = false;
  MessageFormat format = MessageFormat::Plain;
  Config consumer{.max_attempts = 0};  // whatever is there is shown
};

// Prints the messages of some topics to standard output, one per line, and finishes what it
// printed. Ends when any topic has printed `n` messages, or with SIGINT or SIGTERM; what was
// printed is finished by then, and what was received beyond it given back. On a terminal topics
// have a colour, unless NO_COLOR is set. Returns the exit status; trouble is told on standard
// error.
int tail(const TailOptions& options);

}  // namespace nsq::utilities
