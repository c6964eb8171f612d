#include "cli/help.h"

#include <fmt/format.h>

#include <algorithm>
#include <cxxopts.hpp>
#include <vector>

#include "cli/commands.h"

namespace nsq::cli {
namespace {

// cxxopts breaks lines one column later than told, where a word ends there.
constexpr std::size_t kTableColumns = kHelpColumns - 1;

// Where a command line may go on in the next line without changing what it means to a shell.
bool is_break(std::string_view rest) {
  return rest.starts_with(" --") || rest.starts_with(" | ") || rest.starts_with(" > ") ||
         rest.starts_with(" < ");
}

std::string examples_text(const FlagTable& flags, const std::string& shown_name) {
  std::string text;
  for (const UsageExample& example : flags.examples()) {
    text += wrapped(example.says, 2);
    text += example_lines(example, shown_name, 4) + "\n";
  }
  return text.empty() ? "" : "Examples:\n" + text;
}

// cxxopts leaves spaces where it breaks lines, and empty lines in front.
std::string without_trailing_space(std::string_view text) {
  std::string clean;
  for (std::size_t end = 0; !text.empty(); text.remove_prefix(std::min(end + 1, text.size()))) {
    end = std::min(text.find('\n'), text.size());
    const std::size_t last = text.substr(0, end).find_last_not_of(' ');
    if (last != std::string_view::npos) clean += text.substr(0, last + 1);
    if (!clean.empty()) clean += '\n';
  }
  return clean;
}

// The flags, laid out by cxxopts.
std::string flags_text(const FlagTable& flags) {
  cxxopts::Options options("", "");
  options.set_width(kTableColumns);
  std::vector<std::string> groups;
  for (const Flag& flag : flags.flags()) {
    if (std::find(groups.begin(), groups.end(), flag.group) == groups.end()) {
      groups.push_back(flag.group);
    }
    auto value = flag.kind == Kind::Boolean
                     ? std::static_pointer_cast<cxxopts::Value>(cxxopts::value<bool>())
                     : std::static_pointer_cast<cxxopts::Value>(cxxopts::value<std::string>());
    options.add_options(flag.group)(flag.name, help_with_default(flag), value, flag.placeholder);
  }
  options.custom_help("");
  return without_trailing_space(options.help(groups, false));
}

}  // namespace

std::string wrapped(std::string_view text, std::size_t indent, std::size_t columns) {
  std::string lines;
  std::string line;
  const auto end_line = [&] {
    if (!line.empty()) lines += std::string(indent, ' ') + line + "\n";
    line.clear();
  };
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(" \n"), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    if (!line.empty() && indent + line.size() + 1 + word.size() > columns) end_line();
    if (!line.empty()) line += ' ';
    line += word;
  }
  end_line();
  return lines;
}

bool takes_settings(const FlagTable& flags) {
  const auto& rows = flags.flags();
  return std::any_of(rows.begin(), rows.end(),
                     [](const Flag& flag) { return flag.name == "config"; });
}

std::string example_lines(const UsageExample& example, std::string_view shown_name,
                          std::size_t indent) {
  std::string rest(shown_name);
  if (!example.arguments.empty()) rest += " " + example.arguments;
  std::string lines;
  const std::string margin(indent, ' ');
  while (margin.size() + rest.size() > kHelpColumns) {
    // Room for " \\" behind it.
    std::size_t at = kHelpColumns - margin.size() - 2;
    while (at > 0 && !is_break(std::string_view(rest).substr(at))) --at;
    if (at == 0) break;
    lines += margin + rest.substr(0, at) + " \\\n";
    rest = "    " + rest.substr(at + 1);
  }
  return lines + margin + rest + "\n";
}

std::string usage(const FlagTable& flags, std::string_view name, std::string_view flag) {
  const Positional& other = flags.positional();
  if (other.placeholder.empty()) return fmt::format("{} {}", name, flag);
  if (other.is_first) return fmt::format("{} {} {}", name, other.placeholder, flag);
  return fmt::format("{} {} {}", name, flag, other.placeholder);
}

std::string value_notes(const FlagTable& flags) {
  const auto& rows = flags.flags();
  const auto has = [&rows](Kind kind) {
    return std::any_of(rows.begin(), rows.end(),
                       [kind](const Flag& flag) { return flag.kind == kind; });
  };
  std::string text =
      "A flag is written -flag=value or --flag value, a boolean one alone or with =true or =false.";
  if (has(Kind::Duration)) text += " Durations have units: 250ms, 30s, 1m30s, 2h.";
  return text;
}

std::string setting_notes(const FlagTable& flags) {
  if (!takes_settings(flags)) return "";
  return "Every flag can also be an environment variable (NSQ_LOG_LEVEL for -log-level) or a key "
         "of "
         "the config file (log_level). The command line goes before the environment, and that "
         "before the file.";
}

std::string help_with_default(const Flag& flag) {
  if (flag.default_text.empty()) return flag.help;
  return fmt::format("{} (default: {})", flag.help, flag.default_text);
}

std::string short_help(const Flag& flag) {
  const std::string_view help = flag.help;
  std::size_t end = std::min(help.find_first_of(":;"), help.find(". "));
  // "host:port" is a word.
  while (end < help.size() && help[end] == ':' && end + 1 < help.size() && help[end + 1] != ' ') {
    end = std::min(help.find_first_of(":;", end + 1), help.find(". ", end + 1));
  }
  return std::string(help.substr(0, end));
}

std::string overview_text() {
  std::string text =
      "nsq - a message queue that speaks NSQ's protocols, in one program\n\n"
      "Usage:\n  nsq COMMAND [--flag=value ...]\n";
  for (const CommandGroup group : kCommandGroups) {
    text += fmt::format("\n{}:\n", heading(group));
    for (const Command& command : commands()) {
      if (command.group != group) continue;
      text += fmt::format("  {:<10}  {}", command.name, command.summary);
      text += command.original.empty() ? "\n" : fmt::format(" (as {} does)\n", command.original);
    }
  }
  return text +
         "\nTo begin with:\n"
         "  nsq standalone --data-path=.     # a broker, and http://127.0.0.1:4171\n"
         "  curl -d hello 'http://127.0.0.1:4151/pub?topic=greetings'\n"
         "  nsq tail --topic=greetings --lookupd-http-address=127.0.0.1:4161\n\n"
         "'nsq COMMAND --help' has a command's flags, with units, defaults and examples.\n";
}

std::string help_text(const FlagTable& flags, const std::string& shown_name) {
  std::string text = wrapped(flags.summary(), 0) + "\n";
  text += fmt::format("Usage:\n  {}\n\n", usage(flags, shown_name, "[--flag=value ...]"));
  text += examples_text(flags, shown_name) + flags_text(flags);
  for (const std::string& note : flags.notes()) text += "\n" + wrapped(note, 0);
  text += "\n" + wrapped(value_notes(flags), 0);
  if (const std::string settings = setting_notes(flags); !settings.empty()) {
    text += "\n" + wrapped(settings, 0);
  }
  return text;
}

}  // namespace nsq::cli
