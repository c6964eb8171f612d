#pragma once

#include <string>
#include <string_view>

namespace nsq::protocol {

// `json` with every byte that is not UTF-8, and every \u escape of a lone surrogate, replaced by
// U+FFFD: the parser refuses such text, while NSQ's clients have always been let through with it.
// What is not JSON stays not JSON.
std::string with_valid_unicode(std::string_view json);

}  // namespace nsq::protocol
