#include "cli/environment.h"

#include <map>
#include <string>
#include <vector>

#include "cli/command_line.h"
#include "cli/config_file.h"
#include "support/catch.h"

using namespace nsq;
using namespace nsq::cli;

namespace {

using Words = std::vector<std::string>;

struct Example {
  bool deflate = true;
  bool version = false;
  std::int64_t max_size = 10;
  std::string name = "a name";
  Words topics{"default"};
  FlagTable flags{"example", "does nothing"};

  Example() {
    flags.group("All")
        .add("deflate", deflate, "compress")
        .add("max-size", max_size, "number", "how large")
        .add("name", name, "text", "what to call it")
        .add("topic", topics, "topic", "where to")
        .key("topics")
        .add("version", version, "say which")
        .not_in_file();
  }

  Result<void> apply(const std::map<std::string, std::string>& variables) {
    return apply_environment(flags, [&](const std::string& variable) -> const char* {
      const auto found = variables.find(variable);
      return found == variables.end() ? nullptr : found->second.c_str();
    });
  }
};

}  // namespace

TEST_CASE("a variable is called NSQ_ and the flag in capitals", "[cli]") {
  CHECK(environment_name("max-msg-size") == "NSQ_MAX_MSG_SIZE");
  CHECK(environment_name("e2e-x") == "NSQ_E2E_X");
}

TEST_CASE("the environment sets what no flag does", "[cli]") {
  Example example;
  REQUIRE(parse_command_line(example.flags, Words{"-name=flag"}).error.empty());
  REQUIRE(example.apply({{"NSQ_NAME", "environment"},
                         {"NSQ_MAX_SIZE", "5"},
                         {"NSQ_DEFLATE", "false"},
                         {"NSQ_TOPIC", "a,b"},
                         {"NSQ_PORT_4150_TCP", "tcp://10.0.0.1:4150"}}));
  CHECK(example.name == "flag");
  CHECK(example.max_size == 5);
  CHECK(!example.deflate);
  CHECK(example.topics == Words{"a", "b"});
}

TEST_CASE("the environment goes before the config file", "[cli]") {
  Example example;
  std::vector<std::string> warnings;
  REQUIRE(example.apply({{"NSQ_MAX_SIZE", "5"}, {"NSQ_TOPIC", "a"}}));
  REQUIRE(apply_config(example.flags, "max_size = 6\ntopics = ['b']\nname = 'file'", warnings));
  CHECK(example.max_size == 5);
  CHECK(example.topics == Words{"a"});
  CHECK(example.name == "file");
}

TEST_CASE("an empty variable counts as none, and an image's version is not a flag", "[cli]") {
  Example example;
  REQUIRE(example.apply({{"NSQ_NAME", ""}, {"NSQ_VERSION", "1.3.0"}}));
  CHECK(example.name == "a name");
  CHECK(!example.version);
}

TEST_CASE("a variable with a bad value is named", "[cli]") {
  Example example;
  const auto applied = example.apply({{"NSQ_MAX_SIZE", "many"}});
  REQUIRE(!applied);
  CHECK(applied.error().context() ==
        "invalid value \"many\" for environment variable NSQ_MAX_SIZE: parse error");
}
