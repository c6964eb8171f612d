#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/flag_table.h"
#include "nsq/result.h"

// A server's config file: TOML, of which the top-level keys are settings. A key sets the flag whose
// `key` it is, unless the flag stands on the command line.
//
//   setting          TOML value
//   text, special    a string
//   boolean          a boolean, a boolean word, 1 or 0
//   integer          an integer, or one in decimal notation as a string
//   duration         a string as for the flag, or an integer: milliseconds
//   list of texts    an array of strings, or one string, which is split at its commas
//   list of floats   an array of numbers, or one string, which is split at its commas
//   flags that may stand alone also take what a boolean takes
//
// Anything else is refused. Tables, and keys nobody knows, are left out with a warning.
namespace nsq::cli {

inline constexpr std::size_t kMaxConfigFileBytes = 1 << 20;

// Sets what the TOML text says. Adds one line to `warnings` for each key that does nothing.
// Errors: CliErrc::ParseError; the context names the line or the key, and what is wrong with it.
// What stands before it in the file is set.
Result<void> apply_config(FlagTable& flags, std::string_view text,
                          std::vector<std::string>& warnings);

// The same for the file at `path`.
// Errors: as above, or that of reading; the context starts with
// "failed to load config file PATH - ".
Result<void> apply_config_file(FlagTable& flags, const std::string& path,
                               std::vector<std::string>& warnings);

}  // namespace nsq::cli
