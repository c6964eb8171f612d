#include "cli/standalone_flags.h"

#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "cli/command_line.h"
#include "cli/config_file.h"
#include "cli/environment.h"
#include "support/catch.h"

using namespace nsq;
using namespace nsq::cli;

namespace {

struct Fixture {
  StandaloneFlags chosen;
  FlagTable flags{"nsq standalone", ""};

  Fixture() { add_standalone_flags(flags, chosen); }
  CommandLine parse(std::vector<std::string> arguments) {
    return parse_command_line(flags, arguments);
  }
};

}  // namespace

TEST_CASE("what several servers have is set for each under its server's name", "[cli]") {
  Fixture fixture;
  REQUIRE(fixture
              .parse({"--lookupd-tcp-address=a:1", "--lookupd-http-address=b:2",
                      "--daemon-tcp-address=c:3", "--daemon-http-address=d:4",
                      "--admin-http-address=e:5", "--admin-log-prefix=x",
                      "--daemon-statsd-prefix=y", "--admin-statsd-prefix=z"})
              .error.empty());
  CHECK(fixture.chosen.lookupd.options.tcp_address == "a:1");
  CHECK(fixture.chosen.lookupd.options.http_address == "b:2");
  CHECK(fixture.chosen.daemon.options.tcp_address == "c:3");
  CHECK(fixture.chosen.daemon.options.http_address == "d:4");
  CHECK(fixture.chosen.admin.options.http_address == "e:5");
  CHECK(fixture.chosen.admin.options.log_prefix == "x");
  CHECK(fixture.chosen.daemon.options.statsd_prefix == "y");
  CHECK(fixture.chosen.admin.options.statsd_prefix == "z");
}

TEST_CASE("what one server has keeps its name", "[cli]") {
  Fixture fixture;
  REQUIRE(fixture
              .parse({"--data-path=/d", "--mem-queue-size=7", "--tombstone-lifetime=3s",
                      "--admin-user=me", "--log-level=debug", "--log-file=/l"})
              .error.empty());
  CHECK(fixture.chosen.daemon.options.data_path == "/d");
  CHECK(fixture.chosen.daemon.options.mem_queue_size == 7);
  CHECK(fixture.chosen.lookupd.options.tombstone_lifetime == std::chrono::seconds(3));
  CHECK(fixture.chosen.admin.options.admin_users == std::vector<std::string>{"me"});
  CHECK(fixture.chosen.daemon.options.log_level == "debug");
  CHECK(fixture.chosen.daemon.options.log_file == "/l");
}

TEST_CASE("lookupds besides the one in the process have names of their own", "[cli]") {
  Fixture fixture;
  REQUIRE(fixture.parse({"--daemon-lookupd-tcp-address=a:1", "--admin-lookupd-http-address=b:2"})
              .error.empty());
  CHECK(fixture.chosen.daemon.options.nsqlookupd_tcp_addresses == std::vector<std::string>{"a:1"});
  CHECK(fixture.chosen.admin.options.nsqlookupd_http_addresses == std::vector<std::string>{"b:2"});
}

TEST_CASE("no two flags, keys or variables of standalone are the same", "[cli]") {
  const Fixture fixture;
  std::set<std::string> names, keys, variables;
  for (const Flag& flag : fixture.flags.flags()) {
    CAPTURE(flag.name);
    CHECK(names.insert(flag.name).second);
    CHECK(variables.insert(environment_name(flag.name)).second);
    CHECK((flag.key.empty() || keys.insert(flag.key).second));
  }
  for (const char* plain : {"http-address", "tcp-address", "broadcast-address", "log-prefix",
                            "nsqd-http-address", "verbose", "worker-id"}) {
    CAPTURE(plain);
    CHECK(!names.contains(plain));
  }
}

TEST_CASE("a config file and the environment have standalone's names too", "[cli]") {
  Fixture fixture;
  std::vector<std::string> warnings;
  REQUIRE(apply_config(fixture.flags,
                       "lookupd_http_address = 'a:1'\ndata_path = '/d'\n"
                       "daemon_nsqlookupd_tcp_addresses = ['b:2']\n",
                       warnings));
  CHECK(warnings.empty());
  CHECK(fixture.chosen.lookupd.options.http_address == "a:1");
  CHECK(fixture.chosen.daemon.options.data_path == "/d");
  CHECK(fixture.chosen.daemon.options.nsqlookupd_tcp_addresses == std::vector<std::string>{"b:2"});
  REQUIRE(apply_environment(fixture.flags, [](const std::string& name) {
    return name == "NSQ_ADMIN_HTTP_ADDRESS" ? "c:3" : nullptr;
  }));
  CHECK(fixture.chosen.admin.options.http_address == "c:3");
}

TEST_CASE("the page about standalone names every flag that is called otherwise there", "[cli]") {
  std::ifstream file(NSQ_DOCS_DIRECTORY "/standalone.md");
  REQUIRE(file.is_open());
  const std::string page{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  StandaloneFlags unused;
  FlagTable daemon("", ""), lookupd("", ""), admin("", "");
  add_daemon_flags(daemon, unused.daemon);
  add_lookupd_flags(lookupd, unused.lookupd);
  add_admin_flags(admin, unused.admin);
  const Fixture fixture;
  for (const Flag& flag : fixture.flags.flags()) {
    const bool renamed = daemon.find(flag.name) == nullptr && lookupd.find(flag.name) == nullptr &&
                         admin.find(flag.name) == nullptr;
    // These two are flags of others as well, and mean something else here.
    const bool is_other = flag.name == "lookupd-tcp-address" || flag.name == "lookupd-http-address";
    if (!renamed && !is_other) continue;
    CAPTURE(flag.name);
    CHECK(page.find("`--" + flag.name + "`") != std::string::npos);
  }
}
