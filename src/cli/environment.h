#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "cli/flag_table.h"
#include "nsq/result.h"

// Settings from the environment, as containers like to have them: NSQ_MAX_MSG_SIZE for
// -max-msg-size. The value is written as the flag's; a list's elements stand between commas. An
// empty variable counts as none, and one nobody knows is no mistake: orchestrators put variables
// of their own under such names. What cannot stand in a config file cannot stand here.
namespace nsq::cli {

std::string environment_name(std::string_view flag);  // "NSQ_MAX_MSG_SIZE"

// Sets each flag that is not on the command line and has a variable. `look_up` is std::getenv, or a
// test's idea of it; null for a variable that does not exist.
// Errors: CliErrc::ParseError; the context names the variable and what is wrong with it.
Result<void> apply_environment(FlagTable& flags,
                               const std::function<const char*(const std::string&)>& look_up);

}  // namespace nsq::cli
