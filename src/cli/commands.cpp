#include "cli/commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>

#include "cli/help.h"

namespace nsq::cli {
namespace {

constexpr auto kCommands = std::to_array<Command>({
    {"standalone", "", "lookupd, daemon and admin in one process", run_standalone,
     CommandGroup::Servers},
    {"daemon", "nsqd", "receives, stores and delivers messages", run_daemon, CommandGroup::Servers},
    {"lookupd", "nsqlookupd", "tells who has which topic", run_lookupd, CommandGroup::Servers},
    {"admin", "nsqadmin", "shows the cluster in a browser", run_admin, CommandGroup::Servers},
    {"tail", "nsq_tail", "prints the messages of a topic", run_tail},
    {"stat", "nsq_stat", "shows the rates and the state of channels", run_stat},
    {"to-file", "nsq_to_file", "writes the messages of topics to files", run_to_file},
    {"to-http", "nsq_to_http", "sends the messages of a topic over HTTP", run_to_http},
    {"to-nsq", "nsq_to_nsq", "publishes a topic's messages to other daemons", run_to_nsq},
    {"pub", "to_nsq", "publishes lines of standard input", run_pub},
    {"bench", "", "loads a daemon and measures how fast it is", run_bench},
    {"health", "", "asks servers whether they are well", run_health},
    {"check", "", "verifies, describes and repairs a data directory", run_check,
     CommandGroup::Data},
    {"help", "", "says what commands there are, and what one does", run_help,
     CommandGroup::Program},
    {"version", "", "says what this is, and what it was built from", run_version,
     CommandGroup::Program},
    {"completion", "", "prints a completion for a shell", run_completion, CommandGroup::Program},
    {"man", "", "prints or writes manual pages", run_man, CommandGroup::Program},
});

std::string_view last_component(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

int run_word(std::string_view word, std::vector<std::string> arguments) {
  // As flags of the binary itself; with one dash, as all its flags can be.
  std::string_view name = word;
  for (const std::string_view flag : {"help", "version"}) {
    if (word == fmt::format("-{}", flag) || word == fmt::format("--{}", flag)) name = flag;
  }
  if (word == "-h" || word == "--h") name = "help";
  const auto found = std::find_if(kCommands.begin(), kCommands.end(),
                                  [&](const Command& command) { return command.name == name; });
  if (found != kCommands.end()) {
    return found->run({fmt::format("nsq {}", name), std::move(arguments)});
  }
  fmt::print(stderr, "nsq: there is no command '{}'; 'nsq --help' lists them\n", word);
  return kExitUsage;
}

}  // namespace

std::string_view heading(CommandGroup group) {
  switch (group) {
    case CommandGroup::Servers:
      return "Servers";
    case CommandGroup::Messages:
      return "Working with messages";
    case CommandGroup::Data:
      return "Working with data directories";
    case CommandGroup::Program:
      return "About this program";
  }
  return "";
}

std::span<const Command> commands() {
  return kCommands;
}

const Command* find_command(std::string_view name) {
  const auto found =
      std::find_if(kCommands.begin(), kCommands.end(), [name](const Command& command) {
        return command.name == name || (!name.empty() && command.original == name);
      });
  return found == kCommands.end() ? nullptr : &*found;
}

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const Command& command : kCommands) names.emplace_back(command.name);
  return names;
}

void inspect(const Command& command, const std::function<void(const FlagTable&)>& show) {
  command.run({fmt::format("nsq {}", command.name), {}, show});
}

int dispatch(int argc, const char* const* argv) {
  std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  const std::string_view called = argc > 0 ? last_component(argv[0]) : "nsq";
  for (const Command& command : kCommands) {
    if (!command.original.empty() && command.original == called) {
      return command.run({std::string(called), std::move(arguments)});
    }
  }
  if (arguments.empty()) {
    std::fputs(overview_text().c_str(), stderr);
    return kExitUsage;
  }
  const std::string word = arguments.front();
  arguments.erase(arguments.begin());
  return run_word(word, std::move(arguments));
}

}  // namespace nsq::cli
