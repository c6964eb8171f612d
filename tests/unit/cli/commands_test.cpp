#include "cli/commands.h"

#include <fmt/format.h>

#include <sstream>
#include <string>

#include "cli/completion.h"
#include "cli/help.h"
#include "cli/manual.h"
#include "support/catch.h"

using namespace nsq;
using namespace nsq::cli;
using Catch::Contains;

TEST_CASE("every command can be asked for its flags without being run, and has an example",
          "[cli]") {
  CHECK(commands().size() > 10);
  for (const Command& command : commands()) {
    CAPTURE(command.name);
    int shown = 0;
    inspect(command, [&](const FlagTable& flags) {
      ++shown;
      CHECK(!flags.summary().empty());
      CHECK(!flags.examples().empty());
      CHECK(flags.flags().back().name == "version");
    });
    CHECK(shown == 1);
  }
}

TEST_CASE("every word that is offered for a flag is one that it takes", "[cli]") {
  int tried = 0;
  for (const Command& command : commands()) {
    inspect(command, [&](const FlagTable& flags) {
      for (const Flag& flag : flags.flags()) {
        for (const std::string& word : flag.words) {
          CAPTURE(command.name, flag.name, word);
          CHECK(flag.set(word));
          ++tried;
        }
      }
    });
  }
  CHECK(tried > 40);
}

TEST_CASE("no line of any help is longer than a terminal is wide", "[cli]") {
  for (const Command& command : commands()) {
    inspect(command, [&](const FlagTable& flags) {
      std::istringstream text(help_text(flags, fmt::format("nsq {}", command.name)));
      for (std::string line; std::getline(text, line);) {
        CAPTURE(line);
        CHECK(line.size() <= kHelpColumns);
        CHECK(!line.ends_with(' '));
      }
    });
  }
  std::istringstream overview(overview_text());
  for (std::string line; std::getline(overview, line);) CHECK(line.size() <= kHelpColumns);
}

TEST_CASE("a flag is found in help, manual and every shell's completion", "[cli]") {
  const std::string shells[] = {bash_completion(), zsh_completion(), fish_completion()};
  for (const Command& command : commands()) {
    inspect(command, [&](const FlagTable& flags) {
      const std::string help = help_text(flags, "nsq");
      const std::string manual = manual_page(command, flags);
      for (const Flag& flag : flags.flags()) {
        CAPTURE(command.name, flag.name);
        CHECK_THAT(help, Contains("-" + flag.name));
        std::string escaped = "--" + flag.name;
        for (auto at = escaped.find('-'); at != std::string::npos; at = escaped.find('-', at + 2)) {
          escaped.insert(at, "\\");
        }
        CHECK_THAT(manual, Contains("\\fB" + escaped + "\\fR"));
        if (flag.group == "Ineffective") continue;
        CHECK_THAT(shells[0], Contains("--" + flag.name));
        CHECK_THAT(shells[1], Contains("--" + flag.name));
        CHECK_THAT(shells[2], Contains("-l " + flag.name));
      }
    });
  }
}

TEST_CASE("a command is found by its name and by the original's", "[cli]") {
  REQUIRE(find_command("daemon") != nullptr);
  CHECK(find_command("nsqd") == find_command("daemon"));
  CHECK(find_command("") == nullptr);
  CHECK(find_command("nothing") == nullptr);
}

TEST_CASE("text is broken between words, and words are never broken", "[cli]") {
  CHECK(wrapped("one two three", 0, 7) == "one two\nthree\n");
  CHECK(wrapped("one  two\nthree", 2, 9) == "  one two\n  three\n");
  CHECK(wrapped("incomprehensible word", 0, 5) == "incomprehensible\nword\n");
  CHECK(wrapped("", 4).empty());
}

TEST_CASE("a long example goes on in another line, before a flag", "[cli]") {
  const std::string flag = "--" + std::string(40, 'f');
  CHECK(example_lines({flag, ""}, "nsq", 4) == "    nsq " + flag + "\n");
  CHECK(example_lines({flag + " " + flag + " < file", ""}, "nsq", 4) ==
        "    nsq " + flag + " \\\n        " + flag + " < file\n");
  CHECK(example_lines({"", ""}, "nsq", 0) == "nsq\n");
}

TEST_CASE("a completion shows of a flag's help what stands before the details", "[cli]") {
  const auto shown = [](const std::string& help) {
    return short_help({.name = "x",
                       .kind = Kind::Text,
                       .group = "",
                       .placeholder = "",
                       .default_text = "",
                       .help = help,
                       .set = nullptr,
                       .clear = nullptr,
                       .key = ""});
  };
  CHECK(shown("where clients connect") == "where clients connect");
  CHECK(shown("when a publish is answered: log or fsync") == "when a publish is answered");
  CHECK(shown("HTTP; empty for none") == "HTTP");
  CHECK(shown("as host:port or URL. More of it") == "as host:port or URL");
}
