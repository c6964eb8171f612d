#include <fmt/format.h>

#include <cstdio>

#include "cli/commands.h"
#include "cli/help.h"

namespace nsq::cli {

int run_help(const Invocation& invocation) {
  FlagTable flags("nsq help", "Says what commands there are, and what one does.");
  std::vector<std::string> names;
  flags.positional("[COMMAND]", names, command_names())
      .example("", "All commands.")
      .example("daemon | less", "A command's flags, on standard output.");
  Remarks remarks;
  if (const auto status = read_command_line(flags, invocation, remarks)) return *status;

  if (names.empty()) {
    std::fputs(overview_text().c_str(), stdout);
    return kExitOk;
  }
  const Command* command = find_command(names.front());
  if (command == nullptr) {
    fmt::print(stderr, "nsq: there is no command '{}'; 'nsq help' lists them\n", names.front());
    return kExitUsage;
  }
  inspect(*command, [command](const FlagTable& table) {
    std::fputs(help_text(table, fmt::format("nsq {}", command->name)).c_str(), stdout);
  });
  return kExitOk;
}

}  // namespace nsq::cli
