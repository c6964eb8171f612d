#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/flag_table.h"

// The flag grammar of the original programs, which is that of Go's standard library:
//
//   -name=value  --name=value  -name value  --name value    any flag; one dash or two are the same
//   -name  --name                                           a boolean, true
//
// The first argument that is not a flag ends the flags, and so does "--"; what follows is
// positional. A boolean never takes the next argument, so "-deflate false -n=5" means deflate, and
// ignores the rest. There are no abbreviations and no bundles of one-letter flags.
namespace nsq::cli {

struct CommandLine {
  enum class Outcome {
    Run,         // everything parsed
    Help,        // asked for by -h, -help
    UsageError,  // `error` is the line to print; status 2
    Fatal,       // likewise, but status 1
  };
  Outcome outcome = Outcome::Run;
  std::string error;
  std::vector<std::string> positional;
};

// Sets what `arguments` (without the program's name) say, left to right, and stops at the first
// thing wrong; what came before it stays set.
CommandLine parse_command_line(FlagTable& flags, std::span<const std::string> arguments);

}  // namespace nsq::cli
