#include "cli/command_line.h"

#include <fmt/format.h>

#include <string_view>

namespace nsq::cli {
namespace {

// "-name", "--name=value" taken apart.
struct FlagArgument {
  std::string_view name;
  std::optional<std::string_view> value;
};

bool is_flag(std::string_view argument) {
  return argument.size() >= 2 && argument[0] == '-';
}

// Empty for "---x" and "-=x".
std::optional<FlagArgument> split(std::string_view argument) {
  argument.remove_prefix(argument[1] == '-' ? 2 : 1);
  if (argument.empty() || argument[0] == '-' || argument[0] == '=') return std::nullopt;
  const std::size_t equals = argument.find('=');
  if (equals == std::string_view::npos) return FlagArgument{argument, std::nullopt};
  return FlagArgument{argument.substr(0, equals), argument.substr(equals + 1)};
}

CommandLine usage_error(std::string line) {
  return {CommandLine::Outcome::UsageError, std::move(line), {}};
}

CommandLine refused(const Flag& flag, std::string_view value, const Error& error) {
  const std::string reason = error.context().empty() ? error.code().message() : error.context();
  if (error == CliErrc::Fatal) return {CommandLine::Outcome::Fatal, reason, {}};
  // The original words it differently for flags that may stand alone.
  return usage_error(fmt::format("invalid {}value {:?} for {}-{}: {}",
                                 flag.stands_alone ? "boolean " : "", value,
                                 flag.stands_alone ? "" : "flag ", flag.name, reason));
}

}  // namespace

CommandLine parse_command_line(FlagTable& flags, std::span<const std::string> arguments) {
  while (!arguments.empty() && is_flag(arguments.front())) {
    const std::string_view argument = arguments.front();
    arguments = arguments.subspan(1);
    if (argument == "--") break;
    const auto parts = split(argument);
    if (!parts) return usage_error(fmt::format("bad flag syntax: {}", argument));

    Flag* flag = flags.find(parts->name);
    if (flag == nullptr) {
      if (parts->name == "h" || parts->name == "help") {
        return {CommandLine::Outcome::Help, "", {}};
      }
      return usage_error(fmt::format("flag provided but not defined: -{}", parts->name));
    }
    std::string_view value;
    if (parts->value) {
      value = *parts->value;
    } else if (flag->stands_alone) {
      value = "true";
    } else if (!arguments.empty()) {
      value = arguments.front();
      arguments = arguments.subspan(1);
    } else {
      return usage_error(fmt::format("flag needs an argument: -{}", parts->name));
    }
    // What the command line lists takes the place of any list set before.
    if (flag->clear && !flag->given) flag->clear();
    flag->given = true;
    flag->value = value;
    if (const auto set = flag->set(value); !set) return refused(*flag, value, set.error());
  }
  return {CommandLine::Outcome::Run, "", {arguments.begin(), arguments.end()}};
}

}  // namespace nsq::cli
