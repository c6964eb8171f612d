#pragma once

#include <system_error>

namespace nsq::cli {

enum class CliErrc {
  ParseError = 1,  // the text is not a value of the flag's type
  OutOfRange,      // it is one, but the type or the flag cannot hold it
  Unknown,         // not one of a flag's words; the context lists them
  Fatal,           // the original ends here without calling it a usage error: status 1
};
std::error_code make_error_code(CliErrc code);

}  // namespace nsq::cli

template <>
struct std::is_error_code_enum<nsq::cli::CliErrc> : std::true_type {};
