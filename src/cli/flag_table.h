#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/instant.h"
#include "cli/cli_error.h"
#include "cli/values.h"
#include "nsq/result.h"

namespace nsq::cli {

// What kind of value a flag takes. A config file's values follow from it.
enum class Kind { Boolean, Integer, Duration, Text, TextList, FloatList, Special };

// One row: a flag, where its value goes, and what the help says about it.
struct Flag {
  std::string name;  // without dashes
  Kind kind;
  std::string group;         // its heading in the help, which adds the word "options"
  std::string placeholder;   // what the help calls its value; empty for booleans
  std::string default_text;  // empty for a default that is nothing: 0, no text, no elements
  std::string help;
  // Takes one value as text; a list's adds to what is there.
  // Errors: the context is the reason for the user, or the code's own text where that is empty.
  std::function<Result<void>(std::string_view)> set;
  std::function<void()> clear;  // of a list: forgets its elements; null for everything else
  std::string key;              // its name in a config file; empty if it cannot be set there
  bool stands_alone = false;  // "-name" means "-name=true", and the next argument is not its value
  bool given = false;         // was on the command line: goes before everything else
  bool in_environment = false;       // an environment variable set it: goes before a config file
  std::string value{};               // what either said last
  std::vector<std::string> words{};  // what it takes, where that is one of a few
};

// A command line that teaches what a program is for.
struct UsageExample {
  std::string arguments;  // behind the program's name; a shell's "< file" and the like included
  std::string says;
};

// What may stand behind the flags, or before them.
struct Positional {
  std::string placeholder{};         // "COMMAND"; empty for a program that takes nothing
  std::vector<std::string> words{};  // what it takes, where that is one of a few
  std::vector<std::string>* target = nullptr;
  bool is_first = false;
};

// The flags of one program, each bound to the field of its options that it sets. The fields'
// values at the time of binding are the defaults, so that a default is written down only once, in
// the options.
//
//   FlagTable flags("nsq_tail", "prints messages");
//   flags.group("Output").add("n", options.count, "messages", "stop after this many");
//
// Threading: confined. The options must outlive the table.
class FlagTable {
 public:
  FlagTable(std::string program, std::string summary)
      : program_(std::move(program)), summary_(std::move(summary)) {}

  const std::string& program() const { return program_; }
  const std::string& summary() const { return summary_; }
  const std::vector<Flag>& flags() const { return flags_; }
  std::vector<Flag>& flags() { return flags_; }
  Flag* find(std::string_view name);
  Flag* find_key(std::string_view key);

  // Flags added from here on stand under this heading.
  FlagTable& group(std::string heading);

  // A flag's help is a phrase that says what its value is; what stands before its first colon or
  // semicolon is enough for a completion. Text comes as sentences, without line breaks.
  FlagTable& add(std::string name, bool& target, std::string help);
  template <std::integral T>
  requires(!std::same_as<T, bool>) FlagTable& add(std::string name, T& target,
                                                  std::string placeholder, std::string help) {
    const auto set = [&target](std::string_view text) -> Result<void> {
      const auto value = parse_integer(text);
      if (!value) return value.error();
      if (!std::in_range<T>(*value)) return Error(CliErrc::OutOfRange, "");
      target = static_cast<T>(*value);
      return {};
    };
    return add_row(std::move(name), Kind::Integer, std::move(placeholder),
                   target == 0 ? "" : std::to_string(target), std::move(help), set);
  }
  FlagTable& add(std::string name, Duration& target, std::string help);
  FlagTable& add(std::string name, std::string& target, std::string placeholder, std::string help);
  FlagTable& add(std::string name, std::vector<std::string>& target, std::string placeholder,
                 std::string help);

  // Numbers between commas, in any order; kept from the highest to the lowest.
  FlagTable& add(std::string name, std::vector<double>& target, std::string placeholder,
                 std::string help);

  // A flag with rules of its own.
  FlagTable& add_row(std::string name, Kind kind, std::string placeholder, std::string default_text,
                     std::string help, std::function<Result<void>(std::string_view)> set);
  // One that another table had.
  FlagTable& add_row(Flag flag);
  // The row just added may stand without a value, which then is "true".
  FlagTable& standing_alone();
  // Its name in a config file, where that is not the flag's with '_' for '-'.
  FlagTable& key(std::string name);
  FlagTable& not_in_file() { return key(""); }
  // It takes one of these, as its setter knows: for help and completion.
  FlagTable& words(std::vector<std::string> words);

  // For help and manual: something to try; a paragraph that belongs to no flag.
  FlagTable& example(std::string arguments, std::string says);
  FlagTable& note(std::string text);
  // What stands behind the flags goes into `target`, instead of being warned of.
  FlagTable& positional(std::string placeholder, std::vector<std::string>& target,
                        std::vector<std::string> words = {});

  // A word stands before the flags, which the program takes off its arguments itself.
  FlagTable& leading(std::string placeholder, std::vector<std::string> words);

  const std::vector<UsageExample>& examples() const { return examples_; }
  const std::vector<std::string>& notes() const { return notes_; }
  const Positional& positional() const { return positional_; }

 private:
  std::string program_;
  std::string summary_;
  std::string group_;
  std::vector<Flag> flags_;
  std::vector<UsageExample> examples_;
  std::vector<std::string> notes_;
  Positional positional_;
};

}  // namespace nsq::cli
