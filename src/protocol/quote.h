#pragma once

#include <string>
#include <string_view>

namespace nsq::protocol {

// `text` as error frames quote names: in double quotes, with `"`, `\`, control characters, bytes
// that are not UTF-8 and invisible characters escaped in Go's way (\n, \x7f, \u00ad).
std::string quote(std::string_view text);

}  // namespace nsq::protocol
