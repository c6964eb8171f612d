#pragma once

#include <string>

// Completions for shells: of commands, flags, and values where they are files or one of a few
// words. Made from the tables of commands and flags; a completion knows the binary it came from,
// and has to be made anew for another version.
//
// They complete `nsq` and the names of the original programs.
namespace nsq::cli {

std::string bash_completion();
std::string zsh_completion();
std::string fish_completion();

}  // namespace nsq::cli
