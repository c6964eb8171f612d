#pragma once

#include <array>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/program.h"

namespace nsq::cli {

// What a command is about: its heading in the list of all.
enum class CommandGroup { Servers, Messages, Data, Program };
inline constexpr std::array kCommandGroups{CommandGroup::Servers, CommandGroup::Messages,
                                           CommandGroup::Data, CommandGroup::Program};
std::string_view heading(CommandGroup group);

// A program within the binary.
struct Command {
  std::string_view name;      // `nsq NAME`
  std::string_view original;  // the program it replaces, under whose name it can also be called;
                              // empty: there was none
  std::string_view summary;
  int (*run)(const Invocation& invocation);  // returns the exit status
  CommandGroup group = CommandGroup::Messages;
};

// All there are. Help, completions and manual pages are made from this table and from each
// command's flags.
std::span<const Command> commands();
// By its name or the original's; null for anything else.
const Command* find_command(std::string_view name);

std::vector<std::string> command_names();

// Shows a command's flags, without running it. The table is valid during the call.
void inspect(const Command& command, const std::function<void(const FlagTable&)>& show);

int run_standalone(const Invocation& invocation);
int run_daemon(const Invocation& invocation);
int run_lookupd(const Invocation& invocation);
int run_admin(const Invocation& invocation);
int run_tail(const Invocation& invocation);
int run_stat(const Invocation& invocation);
int run_health(const Invocation& invocation);
int run_to_nsq(const Invocation& invocation);
int run_check(const Invocation& invocation);
int run_pub(const Invocation& invocation);
int run_bench(const Invocation& invocation);
int run_to_file(const Invocation& invocation);
int run_to_http(const Invocation& invocation);
int run_help(const Invocation& invocation);
int run_version(const Invocation& invocation);
int run_completion(const Invocation& invocation);
int run_man(const Invocation& invocation);

// Runs the command that argv asks for: by the name the binary was called under, if that is an
// original program's, or else by the first argument.
int dispatch(int argc, const char* const* argv);

}  // namespace nsq::cli
