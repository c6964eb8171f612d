#pragma once

#include <optional>
#include <string>
#include <vector>

#include "nsq/consumer.h"
#include "nsq/result.h"

namespace nsq::utilities {

// Where a tool's messages come from: daemons given by address, or found through lookupds. Exactly
// one of the two.
struct Source {
  std::vector<std::string> nsqd_tcp_address;
  std::vector<std::string> lookupd_http_address;
};

// What is wrong with it, in the original's words.
std::optional<std::string> find_mistake(const Source& source);

// Connects, and waits as Consumer's connecting calls do. Errors: theirs.
Result<void> connect(Consumer& consumer, const Source& source);

}  // namespace nsq::utilities
