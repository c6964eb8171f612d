#pragma once

#include <cstddef>
#include <string_view>

namespace nsq::protocol {

struct CodePoint {
  char32_t value = 0;
  std::size_t bytes = 0;  // 0: no well-formed sequence starts here
};

// The code point at the start of `text`. Overlong forms, surrogates and values beyond U+10FFFF are
// not well-formed. Requires: `text` is not empty.
CodePoint decode_utf8(std::string_view text);

}  // namespace nsq::protocol
