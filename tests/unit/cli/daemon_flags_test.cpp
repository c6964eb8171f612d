#include "cli/daemon_flags.h"

#include <string>
#include <vector>

#include "cli/command_line.h"
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
