#pragma once

#include <string>
#include <string_view>

namespace nsq {

// `text` with its control characters written as \x0a: one event is one line, whatever a client put
// into it.
std::string on_one_line(std::string_view text);

}  // namespace nsq
