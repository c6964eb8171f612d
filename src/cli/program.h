#pragma once

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
};

// Adds -version to the flags, and sets them from the command line.
// Returns the status to end with where there is nothing left to do: help was asked for (on standard
// error, status 0), the version was (on standard output), or the command line does not parse (one
// line, status 2). Otherwise `ignored` holds the arguments the program will not look at.
std::optional<int> read_command_line(FlagTable& flags, const Invocation& invocation,
                                     std::vector<std::string>& ignored);

// A warning about ignored arguments, which usually come from "-flag false" for a boolean flag;
// empty when there are none.
std::string ignored_arguments_warning(std::span<const std::string> ignored);

std::string_view version();  // "1.4.0"

}  // namespace nsq::cli
