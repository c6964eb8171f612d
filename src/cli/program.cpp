#include "cli/program.h"

#include <fmt/format.h>

#include <cstdio>

#include "cli/command_line.h"

namespace nsq::cli {

std::string_view version() {
  return NSQ_VERSION;
}

std::optional<int> read_command_line(FlagTable& flags, const Invocation& invocation,
                                     std::vector<std::string>& ignored) {
  bool show_version = false;
  flags.group("Other").add("version", show_version, "print the version and exit");

  const CommandLine line = parse_command_line(flags, invocation.arguments);
  switch (line.outcome) {
    case CommandLine::Outcome::Help:
      std::fputs(help_text(flags, invocation.shown_name).c_str(), stderr);
      return kExitOk;
    case CommandLine::Outcome::UsageError:
      fmt::print(stderr, "{}\nRun '{} --help' for its flags.\n", line.error, invocation.shown_name);
      return kExitUsage;
    case CommandLine::Outcome::Fatal:
      fmt::print(stderr, "{}\n", line.error);
      return kExitFailure;
    case CommandLine::Outcome::Run:
      break;
  }
  if (show_version) {
    fmt::print("{} v{} (built w/{})\n", flags.program(), version(), NSQ_COMPILER);
    return kExitOk;
  }
  ignored = line.positional;
  return std::nullopt;
}

std::string ignored_arguments_warning(std::span<const std::string> ignored) {
  if (ignored.empty()) return "";
  return fmt::format(
      "ignoring arguments: {} (flags after them are ignored too; a boolean flag "
      "takes its value as -flag=value)",
      fmt::join(ignored, " "));
}

}  // namespace nsq::cli
