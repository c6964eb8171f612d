#pragma once

#include <string>
#include <string_view>

#include "cli/commands.h"
#include "cli/flag_table.h"

// Manual pages, in the form man(7) describes, from the tables of commands and flags.
namespace nsq::cli {

// nsq(1): what commands there are.
std::string overview_page();
// nsq-COMMAND(1).
std::string manual_page(const Command& command, const FlagTable& flags);

// Writes all of them into a directory, made if it is missing: nsq.1, nsq-daemon.1 and so on, and
// for each original program a page that refers to the one of its command: nsqd.1. Errors: the
// context names the file.
Result<void> write_manual(const std::string& directory);

}  // namespace nsq::cli
