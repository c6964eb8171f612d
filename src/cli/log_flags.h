#pragma once

#include <string>

#include "cli/flag_table.h"

namespace nsq::cli {

// Adds -log-level and -log-prefix, as every server has them, to the current group.
void add_log_flags(FlagTable& flags, std::string& level, std::string& prefix);

// Sets the process's log up with what they say. The level is one of the flag's words.
void set_up_log(const std::string& prefix, const std::string& level);

}  // namespace nsq::cli
