#pragma once

#include <string_view>

namespace nsq::utilities {

// One line on standard error in the form of the original's tools: "2026/11/21 05:21:04 text".
// Threading: any thread.
void notice(std::string_view text);

}  // namespace nsq::utilities
