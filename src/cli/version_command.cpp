#include <fmt/format.h>

#include "cli/build_info.h"
#include "cli/commands.h"

namespace nsq::cli {

int run_version(const Invocation& invocation) {
  FlagTable flags("nsq", "Says what this is, and what it was built from.");
  flags.example("", "What to put into a bug report.");
  Remarks remarks;
  if (const auto status = read_command_line(flags, invocation, remarks)) return *status;
  fmt::print("{}\n{}", version_line("nsq"), build_facts());
  return kExitOk;
}

}  // namespace nsq::cli
