#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/instant.h"

namespace nsq {

// A duration as NSQ's logs and text statistics print it: "2m10.146424095s", "1h0m0s", "1.5ms",
// "28.282µs", "700ns", "0s". Hours are the largest unit; below a second one unit is used.
std::string duration_text(Duration duration);

// The other way, as people write it in flags and options: an optional sign and pairs of number and
// unit, ns us ms s m h: "1m30s", ".5s". Only "0" may lack a unit. Empty for anything else, also for
// what does not fit 64 bits.
std::optional<Duration> parse_duration(std::string_view text);

}  // namespace nsq
