#include <fmt/format.h>

#include <cstdio>

#include "cli/commands.h"
#include "cli/manual.h"

namespace nsq::cli {
namespace {

int print_page(const std::string& name) {
  if (name.empty() || name == "nsq") {
    std::fputs(overview_page().c_str(), stdout);
    return kExitOk;
  }
  const Command* command = find_command(name.starts_with("nsq-") ? name.substr(4) : name);
  if (command == nullptr) {
    fmt::print(stderr, "nsq: there is no command '{}'; 'nsq help' lists them\n", name);
    return kExitUsage;
  }
  inspect(*command, [command](const FlagTable& table) {
    std::fputs(manual_page(*command, table).c_str(), stdout);
  });
  return kExitOk;
}

int write_pages(const std::string& directory) {
  if (const auto written = write_manual(directory); !written) {
    fmt::print(stderr, "nsq man: {}\n", written.error().to_string());
    return kExitFailure;
  }
  return kExitOk;
}

}  // namespace

int run_man(const Invocation& invocation) {
  FlagTable flags("nsq man", "Prints a manual page, or writes all of them.");
  bool all = false;
  std::vector<std::string> words;
  flags.group("Output").add(
      "all", all, "write every page into DIRECTORY instead, which is made if it is missing");
  flags.positional("[COMMAND | DIRECTORY]", words, command_names())
      .example("daemon | man -l -", "Shows the manual page of a command.")
      .example("--all /usr/local/share/man/man1", "Puts the pages where man finds them.");
  Remarks remarks;
  if (const auto status = read_command_line(flags, invocation, remarks)) return *status;

  if (words.size() > 1 || (all && words.empty())) {
    fmt::print(stderr, "nsq man: {}\n",
               all ? "--all takes one directory" : "one command at a time");
    return kExitUsage;
  }
  return all ? write_pages(words.front()) : print_page(words.empty() ? "" : words.front());
}

}  // namespace nsq::cli
