#include "cli/config_file.h"

#include <string>
#include <vector>

#include "cli/command_line.h"
#include "support/catch.h"

using namespace nsq;
using namespace nsq::cli;
using namespace std::chrono_literals;

namespace {

using Words = std::vector<std::string>;

// A program with a setting of each kind.
struct Example {
  bool deflate = true;
  std::int64_t count = 10;
  Duration timeout = 60s;
  std::string name = "a name";
  std::string mode = "none";
  std::string level = "info";
  Words topics;
  std::vector<double> fractions;
  bool quiet = false;
  Words warnings;
  FlagTable flags{"example", "does nothing"};

  Example() {
    const auto one_of = [](std::string& target, Words known) {
      return [&target, known](std::string_view text) -> Result<void> {
        if (std::find(known.begin(), known.end(), text) == known.end()) {
          return Error(CliErrc::Unknown, "not one of them");
        }
        target = text;
        return {};
      };
    };
    flags.group("All")
        .add("deflate", deflate, "compress")
        .add("the-count", count, "number", "how many")
        .add("timeout", timeout, "how long")
        .add("name", name, "text", "what to call it")
        .add_row("level", Kind::Special, "level", level, "how loud",
                 one_of(level, {"info", "warn"}))
        .add("topic", topics, "topic", "where to")
        .key("topics")
        .add("fraction", fractions, "number", "some")
        .add("quiet", quiet, "say nothing")
        .not_in_file()
        .add_row("mode", Kind::Special, "mode", mode, "how",
                 one_of(mode, {"true", "false", "both"}))
        .standing_alone();
  }

  void read(std::string_view text) {
    const auto applied = apply_config(flags, text, warnings);
    CAPTURE(text);
    REQUIRE(applied);
  }
  std::string refusal(std::string_view text) {
    const auto applied = apply_config(flags, text, warnings);
    CAPTURE(text);
    REQUIRE(!applied);
    return applied.error().context();
  }
  void give(Words arguments) {
    REQUIRE(parse_command_line(flags, arguments).outcome == CommandLine::Outcome::Run);
  }
};

}  // namespace

TEST_CASE("a config file sets values of every type", "[cli]") {
  Example example;
  example.read(R"(
    # a comment
    deflate = false
    the_count = 55
    timeout = "9s"
    name = "x"
    level = "warn"
    topics = ["a,b", "c"]
    fraction = [0.5, 1, 0.9]
    mode = "both"
  )");
  CHECK(!example.deflate);
  CHECK(example.count == 55);
  CHECK(example.timeout == 9s);
  CHECK(example.name == "x");
  CHECK(example.level == "warn");
  CHECK(example.topics == Words{"a,b", "c"});
  CHECK(example.fractions == std::vector{1.0, 0.9, 0.5});
  CHECK(example.mode == "both");
  CHECK(example.warnings.empty());
}

TEST_CASE("values may be written in the other ways existing files use", "[cli]") {
  Example example;
  example.read(R"(
    deflate = 0
    the_count = "0012"
    timeout = 5000
    topics = "a,b, c"
    fraction = "0.25, 0.5"
    mode = true
  )");
  CHECK(!example.deflate);
  CHECK(example.count == 12);
  CHECK(example.timeout == 5s);
  CHECK(example.topics == Words{"a", "b", " c"});
  CHECK(example.fractions == std::vector{0.5, 0.25});
  CHECK(example.mode == "true");
  example.read("deflate = 1\ntopics = \"\"\n");
  CHECK(example.deflate);
  CHECK(example.topics.empty());
}

TEST_CASE("a value of the wrong type is refused with the key's name", "[cli]") {
  Example example;
  CHECK(example.refusal("name = 5") == "line 1: name must be a string");
  CHECK(example.refusal("\nthe_count = 1.5") == "line 2: the_count must be an integer");
  CHECK(example.refusal("the_count = true") == "line 1: the_count must be an integer");
  CHECK(example.refusal("deflate = 2") == "line 1: deflate must be true or false");
  CHECK(example.refusal("timeout = 1.5").starts_with("line 1: timeout must be a duration"));
  CHECK(example.refusal("topics = [1]") == "line 1: topics must be an array of strings");
  CHECK(example.refusal("topics = 1") == "line 1: topics must be an array of strings");
  CHECK(example.refusal("fraction = ['a']") == "line 1: fraction must be an array of numbers");
  CHECK(example.refusal("name = ['a']") == "line 1: name must be a string");
  CHECK(example.refusal("name = 1979-05-27") == "line 1: name must be a string");
  CHECK(example.refusal("mode = 2") == "line 1: mode must be a string or a boolean");
}

TEST_CASE("a value that does not parse is refused with the key's name", "[cli]") {
  Example example;
  CHECK(example.refusal("timeout = 'soon'") == "invalid value \"soon\" for timeout: parse error");
  CHECK(example.refusal("the_count = '0x10'") ==
        "invalid value \"0x10\" for the_count: parse error");
  CHECK(example.refusal("the_count = ''") == "invalid value \"\" for the_count: parse error");
  CHECK(example.refusal("deflate = 'yes'") == "invalid value \"yes\" for deflate: parse error");
  CHECK(example.refusal("level = 'loud'") == "invalid value \"loud\" for level: not one of them");
  CHECK(example.refusal("fraction = '0.5,'").find("fraction") != std::string::npos);
  CHECK(example.refusal("this is not toml").starts_with("line 1: "));
  CHECK(example.refusal("name = 'a'\nname = 'b'").starts_with("line 2: "));
}

TEST_CASE("a flag on the command line goes before the file, a list as a whole", "[cli]") {
  Example example;
  example.give({"-the-count=10", "-topic=flag", "-deflate"});
  example.read("the_count = 55\ntopics = ['a', 'b']\ndeflate = false\nname = 'x'\ntimeout = '1s'");
  CHECK(example.count == 10);
  CHECK(example.topics == Words{"flag"});
  CHECK(example.deflate);
  CHECK(example.name == "x");
}

TEST_CASE("a special word in the file is checked even when a flag overrules it", "[cli]") {
  Example example;
  example.give({"-level=info", "-timeout=2s"});
  example.read("level = 'warn'\ntimeout = 'soon'");
  CHECK(example.level == "info");
  CHECK(example.timeout == 2s);
  CHECK(example.refusal("level = 'loud'") == "invalid value \"loud\" for level: not one of them");
}

TEST_CASE("unknown keys and tables are left out with a warning", "[cli]") {
  Example example;
  example.read("no_such_key = 5\ntopic = ['x']\nquiet = true\n[table]\nx = 1\n[name]\ny = 1\n");
  CHECK(example.topics.empty());
  CHECK(!example.quiet);
  CHECK(example.name == "a name");
  CHECK(example.warnings == Words{"name is a table", "unknown key \"no_such_key\"",
                                  "unknown key \"quiet\" (it can only be a flag)",
                                  "unknown key \"table\"",
                                  "unknown key \"topic\" (the key is called topics)"});
}

TEST_CASE("a file that cannot be read is named, with the reason", "[cli]") {
  Example example;
  const auto missing = apply_config_file(example.flags, "/no/such/file", example.warnings);
  REQUIRE(!missing);
  CHECK(missing.error().context() ==
        "failed to load config file /no/such/file - cannot be read: No such file or directory");
  CHECK(!apply_config_file(example.flags, "/", example.warnings));
  const auto endless = apply_config_file(example.flags, "/dev/zero", example.warnings);
  REQUIRE(!endless);
  CHECK(endless.error().context().ends_with("it is larger than 1048576 bytes"));
}
