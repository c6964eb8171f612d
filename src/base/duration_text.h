#pragma once

#include <string>

#include "base/instant.h"

namespace nsq {

// A duration as NSQ's logs and text statistics print it: "2m10.146424095s", "1h0m0s", "1.5ms",
// "28.282µs", "700ns", "0s". Hours are the largest unit; below a second one unit is used.
std::string duration_text(Duration duration);

}  // namespace nsq
