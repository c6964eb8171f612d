#pragma once

#include <string>

#include "cli/flag_table.h"

namespace nsq::cli {

// Adds -log-level and -log-prefix, as every server has them, to the current group.
void add_log_flags(FlagTable& flags, std::string& level, std::string& prefix);

}  // namespace nsq::cli
