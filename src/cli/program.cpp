#include "cli/program.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "base/log.h"
#include "cli/command_line.h"
#include "cli/config_file.h"
#include "cli/environment.h"
#include "cli/help.h"
#include "utilities/notice.h"

namespace nsq::cli {

std::string_view version() {
  return NSQ_VERSION;
}

std::string version_line(std::string_view program) {
  return fmt::format("{} v{} (built w/{})", program, version(), NSQ_COMPILER);
}

namespace {

std::string ignored_arguments_warning(std::span<const std::string> ignored) {
  return fmt::format(
      "ignoring arguments: {} (flags after them are ignored too; a boolean flag "
      "takes its value as -flag=value)",
      fmt::join(ignored, " "));
}

std::string environment_note(const FlagTable& flags) {
  std::vector<std::string> variables;
  for (const Flag& flag : flags.flags()) {
    if (flag.in_environment) variables.push_back(environment_name(flag.name));
  }
  return variables.empty()
             ? ""
             : fmt::format("settings from the environment: {}", fmt::join(variables, ", "));
}

Result<void> read_below_flags(FlagTable& flags, std::string config, Remarks& remarks) {
  const auto look_up = [](const std::string& name) -> const char* {
    return std::getenv(name.c_str());
  };
  if (auto applied = apply_environment(flags, look_up); !applied) return applied;
  if (auto note = environment_note(flags); !note.empty()) remarks.notes.push_back(std::move(note));
  if (const char* path = look_up(environment_name("config")); config.empty() && path != nullptr) {
    config = path;
  }
  if (config.empty()) return {};
  return apply_config_file(flags, config, remarks.warnings);
}

}  // namespace

std::optional<int> read_command_line(FlagTable& flags, const Invocation& invocation,
                                     Remarks& remarks, const FindMistake& find_mistake) {
  bool show_version = false;
  flags.group("Other").add("version", show_version, "print the version and exit").not_in_file();
  if (invocation.inspect) {
    invocation.inspect(flags);
    return kExitOk;
  }

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
  const std::string mistake = find_mistake ? find_mistake(line.positional) : "";
  if (!mistake.empty()) {
    utilities::notice(mistake);
    return kExitFailure;
  }
  if (show_version) {
    fmt::print("{}\n", version_line(flags.program()));
    return kExitOk;
  }
  if (flags.positional().target != nullptr) {
    *flags.positional().target = line.positional;
  } else if (!line.positional.empty()) {
    remarks.warnings.push_back(ignored_arguments_warning(line.positional));
  }
  return std::nullopt;
}

std::optional<int> read_settings(FlagTable& flags, const Invocation& invocation, Remarks& remarks) {
  std::string config;
  flags.group("Other")
      .add("config", config, "path",
           "a TOML file of settings. Flags go before the environment (NSQ_LOG_LEVEL for "
           "-log-level), and that before the file")
      .not_in_file();
  if (const auto status = read_command_line(flags, invocation, remarks)) return *status;
  if (const auto read = read_below_flags(flags, config, remarks); !read) {
    log::set_prefix(fmt::format("[{}] ", flags.program()));
    log::fatal("{}", read.error().context());
    return kExitFailure;
  }
  return std::nullopt;
}

void log_remarks(const Remarks& remarks) {
  for (const std::string& warning : remarks.warnings) log::warning("{}", warning);
  for (const std::string& note : remarks.notes) log::info("{}", note);
}

}  // namespace nsq::cli
