#include "cli/commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>

namespace nsq::cli {
namespace {

constexpr auto kCommands = std::to_array<Command>({
    {"daemon", "nsqd", "receives, stores and delivers messages", run_daemon},
    {"lookupd", "nsqlookupd", "tells who has which topic", run_lookupd},
    {"admin", "nsqadmin", "shows the cluster in a browser", run_admin},
    {"tail", "nsq_tail", "prints the messages of a topic", run_tail},
    {"stat", "nsq_stat", "shows the rates and the state of channels", run_stat},
    {"to-nsq", "nsq_to_nsq", "publishes a topic's messages to other daemons", run_to_nsq},
    {"pub", "to_nsq", "publishes lines of standard input", run_pub},
    {"bench", "", "loads a daemon and measures how fast it is", run_bench},
    {"health", "", "asks servers whether they are well", run_health},
    {"check", "", "verifies, describes and repairs a data directory", run_check},
});

std::string overview() {
  std::string text = "nsq COMMAND [--flag=value ...]\n\nCommands:\n";
  for (const Command& command : kCommands) {
    text += fmt::format("  {:<9} {}", command.name, command.summary);
    text += command.original.empty() ? "\n" : fmt::format(" (as {} does)\n", command.original);
  }
  text += fmt::format("  {:<9} {}\n", "version", "prints the version");
  text += "\n'nsq COMMAND --help' lists a command's flags.\n";
  return text;
}

std::string_view last_component(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

int run_word(std::string_view word, std::vector<std::string> arguments) {
  const auto found = std::find_if(kCommands.begin(), kCommands.end(),
                                  [&](const Command& command) { return command.name == word; });
  if (found != kCommands.end()) {
    return found->run({fmt::format("nsq {}", word), std::move(arguments)});
  }
  if (word == "help" || word == "-h" || word == "-help" || word == "--help" || word == "--h") {
    std::fputs(overview().c_str(), stdout);
    return kExitOk;
  }
  if (word == "version" || word == "-version" || word == "--version") {
    fmt::print("nsq v{} (built w/{})\n", version(), NSQ_COMPILER);
    return kExitOk;
  }
  fmt::print(stderr, "nsq: there is no command '{}'; 'nsq --help' lists them\n", word);
  return kExitUsage;
}

}  // namespace

std::span<const Command> commands() {
  return kCommands;
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
    std::fputs(overview().c_str(), stderr);
    return kExitUsage;
  }
  const std::string word = arguments.front();
  arguments.erase(arguments.begin());
  return run_word(word, std::move(arguments));
}

}  // namespace nsq::cli
