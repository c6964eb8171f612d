#include "cli/daemon_flags.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "cli/command_line.h"
#include "cli/config_file.h"
#include "cli/environment.h"
#include "support/catch.h"

using namespace nsq;
using namespace nsq::cli;
using namespace std::chrono_literals;

namespace {

struct Fixture {
  DaemonFlags chosen;
  FlagTable flags{"nsqd", ""};

  Fixture() { add_daemon_flags(flags, chosen); }
  CommandLine parse(std::vector<std::string> arguments) {
    return parse_command_line(flags, arguments);
  }
  const daemon::Options& options() const { return chosen.options; }
};

}  // namespace

TEST_CASE("every flag of nsqd has a row, and a row has a help text", "[cli]") {
  const Fixture fixture;
  CHECK(fixture.flags.flags().size() >= 57);
  for (const Flag& flag : fixture.flags.flags()) {
    CAPTURE(flag.name);
    CHECK(!flag.help.empty());
    CHECK(!flag.group.empty());
    CHECK((flag.stands_alone || !flag.placeholder.empty()));
  }
}

TEST_CASE("every flag stands in docs/flags.md, and nothing else does", "[cli]") {
  const Fixture fixture;
  std::set<std::string> expected{"config", "version"};
  for (const Flag& flag : fixture.flags.flags()) expected.insert(flag.name);
  std::set<std::string> found;
  std::ifstream page(NSQ_DOCS_DIRECTORY "/flags.md");
  REQUIRE(page.is_open());
  for (std::string line; std::getline(page, line);) {
    constexpr std::string_view kStart = "| `-";
    if (!line.starts_with(kStart)) continue;
    found.insert(line.substr(kStart.size(), line.find('`', kStart.size()) - kStart.size()));
    INFO(line);
    CHECK(line.find("||") == std::string::npos);
    CHECK(std::count(line.begin(), line.end(), '|') == 4);
  }
  CHECK(found == expected);
}

TEST_CASE("every flag is set by the command line, the environment and a config file alike",
          "[cli]") {
  // Those of which the help does not show the value have stories of their own.
  const std::set<std::string> unseen{"node-id", "durability", "unix-socket-mode"};
  const std::map<std::string, std::string> words{{"log-level", "warn"},
                                                 {"sigterm-mode", "drain"},
                                                 {"log-format", "json"},
                                                 {"tls-required", "tcp-https"},
                                                 {"tls-min-version", "tls1.2"}};
  const Fixture names;
  for (const Flag& row : names.flags.flags()) {
    if (row.clear || row.key.empty() || unseen.contains(row.name)) continue;
    CAPTURE(row.name);
    std::string value = "123";
    if (row.kind == Kind::Duration) value = "123s";
    if (row.kind == Kind::Boolean) value = row.default_text == "true" ? "false" : "true";
    if (row.kind == Kind::Special) value = words.at(row.name);
    // What the help calls the default, were the options set like this the defaults.
    const auto shown = [&](DaemonFlags& chosen) {
      FlagTable table("nsqd", "");
      add_daemon_flags(table, chosen);
      return table.find(row.name)->default_text;
    };
    Fixture by_line;
    Fixture by_environment;
    Fixture by_file;
    CHECK(by_line.parse({"--" + row.name + "=" + value}).error.empty());
    CHECK(apply_environment(by_environment.flags, [&](const std::string& name) {
      return name == environment_name(row.name) ? value.c_str() : nullptr;
    }));
    std::vector<std::string> warnings;
    CHECK(apply_config(by_file.flags, row.key + " = '" + value + "'", warnings));
    CHECK(warnings.empty());
    const std::string after = shown(by_line.chosen);
    CHECK(after != row.default_text);
    CHECK(shown(by_environment.chosen) == after);
    CHECK(shown(by_file.chosen) == after);
  }
}

TEST_CASE("lists are set by the command line, the environment and a config file alike", "[cli]") {
  const auto lists = [](const daemon::Options& options) {
    return std::vector{options.nsqlookupd_tcp_addresses, options.auth_http_addresses,
                       options.enable_experiment};
  };
  const std::vector<std::vector<std::string>> expected{{"a:1", "b:2"}, {"c:3"}, {"x"}};
  Fixture by_line;
  by_line.parse({"-lookupd-tcp-address=a:1", "--lookupd-tcp-address=b:2", "-auth-http-address=c:3",
                 "-enable-experiment=x"});
  CHECK(lists(by_line.options()) == expected);
  Fixture by_environment;
  const std::map<std::string, std::string> variables{{"NSQ_LOOKUPD_TCP_ADDRESS", "a:1,b:2"},
                                                     {"NSQ_AUTH_HTTP_ADDRESS", "c:3"},
                                                     {"NSQ_ENABLE_EXPERIMENT", "x"}};
  CHECK(apply_environment(by_environment.flags, [&](const std::string& name) {
    return variables.contains(name) ? variables.at(name).c_str() : nullptr;
  }));
  CHECK(lists(by_environment.options()) == expected);
  Fixture by_file;
  std::vector<std::string> warnings;
  CHECK(apply_config(by_file.flags,
                     "nsqlookupd_tcp_addresses = ['a:1', 'b:2']\nauth_http_addresses = 'c:3'\n"
                     "enable_experiment = ['x']\nid = 7\ndurability = 'fsync'\n",
                     warnings));
  CHECK(warnings.empty());
  CHECK(lists(by_file.options()) == expected);
  CHECK(by_file.chosen.node_id == 7);
  CHECK(by_file.options().durability == broker::Durability::Fsync);
}

TEST_CASE("flags reach the daemon's options", "[cli]") {
  Fixture fixture;
  const CommandLine line = fixture.parse(
      {"-mem-queue-size=5", "--msg-timeout", "7s", "-durability=fsync", "--io-threads=3",
       "--lookupd-tcp-address=a:1", "-lookupd-tcp-address=b:2", "-deflate=false", "-node-id=7",
       "-log-level=WARN", "--data-path=/x", "-tls-min-version=TLS1.2"});
  CHECK(line.error.empty());
  CHECK(fixture.options().mem_queue_size == 5);
  CHECK(fixture.options().msg_timeout == 7s);
  CHECK(fixture.options().durability == broker::Durability::Fsync);
  CHECK(fixture.options().io_threads == 3);
  CHECK(fixture.options().nsqlookupd_tcp_addresses == std::vector<std::string>{"a:1", "b:2"});
  CHECK(!fixture.options().deflate);
  CHECK(fixture.chosen.node_id == 7);
  CHECK(fixture.options().log_level == "warn");
  CHECK(fixture.options().data_path == "/x");
  CHECK(fixture.options().tls_min_version == "tls1.2");
}

TEST_CASE("words that are not among a flag's are refused with those that are", "[cli]") {
  Fixture fixture;
  const auto refusal = [&](const std::string& argument) { return fixture.parse({argument}).error; };
  CHECK(refusal("-sigterm-mode=a") ==
        "invalid value \"a\" for flag -sigterm-mode: invalid sigterm-mode=\"a\" (valid: "
        "\"shutdown\", \"drain\")");
  CHECK(refusal("-log-format=xml").ends_with("(valid: \"text\", \"json\")"));
  for (const char* mode : {"660x", "9", "rw", "07777777"}) {
    CHECK(refusal(std::string("-unix-socket-mode=") + mode).ends_with("like 0660"));
  }
  fixture.parse({"-sigterm-mode=drain", "-log-format=json", "-unix-socket-mode=660"});
  CHECK(fixture.options().sigterm_mode == "drain");
  CHECK(fixture.options().log_format == "json");
  CHECK(fixture.options().unix_socket_mode == "660");
}

TEST_CASE("percentiles are collected from lists and sorted from the highest", "[cli]") {
  Fixture fixture;
  fixture.parse({"-e2e-processing-latency-percentile=0.5,0.99",
                 "--e2e-processing-latency-percentile", "0.75"});
  CHECK(fixture.options().e2e_processing_latency_percentiles == std::vector{0.99, 0.75, 0.5});
  const CommandLine line = fixture.parse({"-e2e-processing-latency-percentile=0.5,"});
  CHECK(line.outcome == CommandLine::Outcome::Fatal);
  CHECK(line.error == "Could not parse: ");
}

TEST_CASE("tls-required stands alone or takes one of three words", "[cli]") {
  Fixture fixture;
  fixture.parse({"-tls-required"});
  CHECK(fixture.options().tls_required == "true");
  fixture.parse({"-tls-required=TCP-HTTPS"});
  CHECK(fixture.options().tls_required == "tcp-https");
  fixture.parse({"-tls-required=F"});
  CHECK(fixture.options().tls_required == "false");
  CHECK(fixture.parse({"-tls-required=maybe"}).error ==
        "invalid boolean value \"maybe\" for -tls-required: strconv.ParseBool: parsing "
        "\"maybe\": invalid syntax");
}

TEST_CASE("words that are none of a flag's are refused with the original's text", "[cli]") {
  Fixture fixture;
  CHECK(fixture.parse({"-log-level=loud"}).error ==
        "invalid value \"loud\" for flag -log-level: invalid log level 'loud' (debug, info, warn, "
        "error, fatal)");
  CHECK(fixture.parse({"-log-level=warning"}).outcome == CommandLine::Outcome::UsageError);
  CHECK(fixture.parse({"-tls-min-version=ssl3.0"}).error ==
        "invalid value \"ssl3.0\" for flag -tls-min-version: unknown tlsVersionOption \"ssl3.0\"");
  CHECK(fixture.parse({"-durability=none"}).outcome == CommandLine::Outcome::UsageError);
}

TEST_CASE("flags without effect are accepted", "[cli]") {
  Fixture fixture;
  CHECK(fixture.parse({"-verbose", "-worker-id", "--verbose=true", "-queue-scan-worker-pool-max=8"})
            .outcome == CommandLine::Outcome::Run);
  CHECK(fixture.parse({"-worker-id=5"}).outcome == CommandLine::Outcome::UsageError);
}
