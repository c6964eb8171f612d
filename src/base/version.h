#pragma once

#include <string_view>

namespace nsq {

// Three dotted numbers, 1.0.0 at least: clients switch features on it.
std::string_view version();

// What the program was built with, for its first log line and /stats.
std::string_view toolchain();

}  // namespace nsq
