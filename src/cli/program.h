#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/flag_table.h"

// What every program of the binary does around its own work: help, version, mistakes on the command
// line.
namespace nsq::cli {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 2;

// How a program was called.
struct Invocation {
  std::string shown_name;              // as the user typed it: "nsq tail", or "nsq_tail" by a link
  std::vector<std::string> arguments;  // what follows it
  // Where it is set, the program is not to run, but to show its flags to this: for manuals and
  // completions. The table is valid during the call.
  std::function<void(const FlagTable&)> inspect{};
};

// What reading its settings has to say to a program that goes on: to be logged once the log is set
// up.
struct Remarks {
  std::vector<std::string> warnings;
  std::vector<std::string> notes;
};

// For a tool. Adds -version to the flags, and sets them from the command line. A program does
// nothing that matters before it has called this, or its counterpart for servers. Returns the
// status to end with where there is nothing left to do: help was asked for (on standard error,
// status 0), the version was (on standard output), or the command line does not parse (one line,
// status 2). Otherwise `remarks` holds a warning about arguments nobody will look at, which usually
// come from "-flag false" for a boolean flag.
//
// With `find_mistake`, a tool looks at what was set, and at arguments that are no flags, even
// before the version is printed; what it returns, unless empty, is the line to end with, status 1.
using FindMistake = std::function<std::string(const std::vector<std::string>& positional)>;
std::optional<int> read_command_line(FlagTable& flags, const Invocation& invocation,
                                     Remarks& remarks, const FindMistake& find_mistake = nullptr);

// For a server: the same with -config added. Sets the flags from the command line, beneath it the
// environment (environment.h), and beneath that the config file (config_file.h). What is wrong with
// the latter two is logged as fatal, under the prefix "[PROGRAM] ", and status 1.
std::optional<int> read_settings(FlagTable& flags, const Invocation& invocation, Remarks& remarks);

void log_remarks(const Remarks& remarks);

// The same for -version: a program's own first line of it.
std::string version_line(std::string_view program);

std::string_view version();  // "1.4.0"

}  // namespace nsq::cli
