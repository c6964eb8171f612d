#include "cli/command_line.h"

#include <string>
#include <vector>

#include "cli/help.h"
#include "support/catch.h"

using namespace nsq;
using namespace nsq::cli;
using namespace std::chrono_literals;

namespace {

// A program with a flag of each kind.
struct Example {
  bool deflate = true;
  bool verbose = false;
  std::int64_t count = 10;
  std::int32_t small = 0;
  Duration timeout = 60s;
  std::string name = "a name";
  std::vector<std::string> topics;
  FlagTable flags{"example", "does nothing"};

  Example() {
    flags.group("Common")
        .add("deflate", deflate, "compress")
        .add("verbose", verbose, "say more")
        .add("count", count, "messages", "how many")
        .add("small", small, "number", "a narrow one")
        .add("timeout", timeout, "how long")
        .add("name", name, "text", "what to call it")
        .add("n", count, "messages", "the same, shorter");
    flags.group("Special")
        .add("topic", topics, "topic", "where to")
        .add_row("word", Kind::Special, "word", "", "one of a few",
                 [](std::string_view text) -> Result<void> {
                   if (text == "good") return {};
                   if (text == "fatal") return Error(CliErrc::Fatal, "Could not use: fatal");
                   return Error(CliErrc::Unknown, "only 'good' will do");
                 });
  }

  CommandLine parse(std::vector<std::string> arguments) {
    return parse_command_line(flags, arguments);
  }
  // The line that refuses the arguments as a usage error.
  std::string refusal(std::vector<std::string> arguments) {
    const CommandLine line = parse(std::move(arguments));
    CHECK(line.outcome == CommandLine::Outcome::UsageError);
    return line.error;
  }
};

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("a flag takes one dash or two, and its value with or without an equals sign", "[cli]") {
  Example example;
  CHECK(example.parse({"-count=11", "--timeout", "7s", "--name=a=b", "-topic", "x", "--small=-3"})
            .outcome == CommandLine::Outcome::Run);
  CHECK(example.count == 11);
  CHECK(example.timeout == 7s);
  CHECK(example.name == "a=b");
  CHECK(example.topics == Words{"x"});
  CHECK(example.small == -3);
}

TEST_CASE("a value may be empty, and a separate one may begin with a dash", "[cli]") {
  Example example;
  example.parse({"-name=", "-topic", "-x", "-topic", "--", "-n", "-5"});
  CHECK(example.name.empty());
  CHECK(example.topics == Words{"-x", "--"});
  CHECK(example.count == -5);
}

TEST_CASE("a boolean never takes the next argument, which then ends the flags", "[cli]") {
  Example example;
  const CommandLine line = example.parse({"-verbose", "false", "-count=5"});
  CHECK(example.verbose);
  CHECK(example.count == 10);
  CHECK(line.positional == Words{"false", "-count=5"});
  example.parse({"-deflate=false", "-verbose=F"});
  CHECK(!example.deflate);
  CHECK(!example.verbose);
}

TEST_CASE("the last of a repeated flag counts, and lists collect theirs", "[cli]") {
  Example example;
  example.parse({"-count=1", "--count=2", "--topic=a", "-topic", "b,c"});
  CHECK(example.count == 2);
  CHECK(example.topics == Words{"a", "b,c"});
}

TEST_CASE("flags end at a lone dash, an empty argument or two dashes", "[cli]") {
  Example example;
  CHECK(example.parse({"-", "-count=1"}).positional == Words{"-", "-count=1"});
  CHECK(example.parse({"", "-count=1"}).positional == Words{"", "-count=1"});
  CHECK(example.parse({"--", "-count=1"}).positional == Words{"-count=1"});
  CHECK(example.count == 10);
}

TEST_CASE("each mistake has the original's line", "[cli]") {
  Example example;
  CHECK(example.refusal({"--nothing=1"}) == "flag provided but not defined: -nothing");
  CHECK(example.refusal({"-Count=1"}) == "flag provided but not defined: -Count");
  CHECK(example.refusal({"-vn"}) == "flag provided but not defined: -vn");
  CHECK(example.refusal({"--count"}) == "flag needs an argument: -count");
  CHECK(example.refusal({"---count=1"}) == "bad flag syntax: ---count=1");
  CHECK(example.refusal({"-=1"}) == "bad flag syntax: -=1");
  CHECK(example.refusal({"--=1"}) == "bad flag syntax: --=1");
  CHECK(example.refusal({"-count=many"}) == "invalid value \"many\" for flag -count: parse error");
  CHECK(example.refusal({"-count=99999999999999999999"}) ==
        "invalid value \"99999999999999999999\" for flag -count: value out of range");
  CHECK(example.refusal({"-small=3000000000"}) ==
        "invalid value \"3000000000\" for flag -small: value out of range");
  CHECK(example.refusal({"-timeout="}) == "invalid value \"\" for flag -timeout: parse error");
  CHECK(example.refusal({"-deflate=yes"}) ==
        "invalid boolean value \"yes\" for -deflate: parse error");
  CHECK(example.refusal({"-word=bad"}) ==
        "invalid value \"bad\" for flag -word: only 'good' will do");
}

TEST_CASE("a special flag may end the program without calling it a usage error", "[cli]") {
  Example example;
  const CommandLine line = example.parse({"-word=fatal"});
  CHECK(line.outcome == CommandLine::Outcome::Fatal);
  CHECK(line.error == "Could not use: fatal");
}

TEST_CASE("help is asked for in four ways, but only among the flags", "[cli]") {
  Example example;
  for (const char* flag : {"-h", "--h", "-help", "--help"}) {
    CHECK(example.parse({flag}).outcome == CommandLine::Outcome::Help);
  }
  CHECK(example.parse({"x", "-h"}).outcome == CommandLine::Outcome::Run);
  CHECK(example.parse({"-nothing", "-h"}).outcome == CommandLine::Outcome::UsageError);
}

TEST_CASE("a flag on the command line is known to have been given", "[cli]") {
  Example example;
  example.parse({"-count=10"});
  CHECK(example.flags.find("count")->given);
  CHECK(!example.flags.find("timeout")->given);
}

TEST_CASE("the help names every flag with its group and default", "[cli]") {
  const Example example;
  const std::string text = help_text(example.flags, "nsq example");
  for (const char* part : {"nsq example", "Common", "Special", "--count", "-n messages", "--topic",
                           "1m0s", "default: 10", "default: true", "\"a name\""}) {
    CAPTURE(part);
    CHECK(text.find(part) != std::string::npos);
  }
}
