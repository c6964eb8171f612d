#pragma once

#include <string_view>

#include "nsq/result.h"

namespace nsq::utilities {

// Writes all of it to standard output, at once and however long that takes. A pipe nobody reads any
// more ends the process by SIGPIPE, as it does any filter.
// Errors: "ERROR: failed to write to standard output - REASON".
// Threading: any thread; texts printed at the same time may mix.
Result<void> print_text(std::string_view text);

}  // namespace nsq::utilities
