#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "cli/flag_table.h"

// What is said to people, all of it from a program's flag table.
namespace nsq::cli {

inline constexpr std::size_t kHelpColumns = 80;

// What `nsq --help` prints: the commands by what they are about.
std::string overview_text();

// What `--help` prints: what the program is for, examples, every flag under its heading with its
// unit and default, and where else it takes settings from. `shown_name` is how the user calls it.
// No line is longer than kHelpColumns, unless a single word is.
std::string help_text(const FlagTable& flags, const std::string& shown_name);

// A paragraph broken into lines of at most `columns`, each with so many spaces before it. Words are
// never broken.
std::string wrapped(std::string_view text, std::size_t indent, std::size_t columns = kHelpColumns);

// The sentences about how values are written that a table needs, and about the environment and the
// config file, if it has them.
std::string value_notes(const FlagTable& flags);
std::string setting_notes(const FlagTable& flags);

// An example's command line, in several lines with backslashes if it is too long for one, each with
// so many spaces before it.
std::string example_lines(const UsageExample& example, std::string_view shown_name,
                          std::size_t indent);

// How a program is called: `name`, and around its flags, written as `flag`, what else there may be.
std::string usage(const FlagTable& flags, std::string_view name, std::string_view flag);

// A server, with -config, or a tool?
bool takes_settings(const FlagTable& flags);

// The help of one flag with its default: "where clients connect (default: ...)".
std::string help_with_default(const Flag& flag);
// Its first words alone: what stands before a colon, a semicolon or the end of a sentence.
std::string short_help(const Flag& flag);

}  // namespace nsq::cli
