// nsq lookupd as a process: its names, its flags, how it starts and stops.

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <string>
#include <thread>

#include "integration/process.h"
#include "support/catch.h"
#include "support/http_client.h"

using namespace nsq::test;

namespace {

std::string ask(const Lookupd& lookupd, const std::string& target) {
  return HttpClient("127.0.0.1", lookupd.http_port()).get(target).body;
}

}  // namespace

TEST_CASE("lookupd answers to the name of the program it replaces", "[integration]") {
  const TemporaryDirectory directory;
  const std::string link = directory / "nsqlookupd";
  REQUIRE(::symlink(binary().c_str(), link.c_str()) == 0);
  Process process({link, "-version"}, directory.path());
  CHECK(process.wait() == 0);
  CHECK(process.output().starts_with("nsqlookupd v"));
}

TEST_CASE("lookupd's settings come from flags and a config file", "[integration]") {
  const TemporaryDirectory directory;
  const std::string config = directory / "lookupd.toml";
  std::ofstream(config) << "http_address = \"not used\"\ninactive_producer_timeout = \"1ms\"\n";
  Lookupd lookupd({"-config=" + config, "-verbose"});
  const TemporaryDirectory data;
  Daemon daemon(data.path(),
                {fmt::format("--lookupd-tcp-address=127.0.0.1:{}", lookupd.tcp_port())});
  HttpClient("127.0.0.1", daemon.http_port()).post("/topic/create?topic=t", "");
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (ask(lookupd, "/topics") != R"({"topics":["t"]})") {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  // Registered, and soon inactive: the daemon pings every 15 s only.
  while (ask(lookupd, "/lookup?topic=t") != R"({"channels":[],"producers":[]})") {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  CHECK(daemon.stop() == 0);
  CHECK(lookupd.stop() == 0);
}

TEST_CASE("lookupd that cannot start says why in one line", "[integration]") {
  Lookupd lookupd;
  const std::string taken = fmt::format("127.0.0.1:{}", lookupd.http_port());
  const Finished in_use =
      run_binary({"lookupd", "--tcp-address=127.0.0.1:0", "--http-address=" + taken});
  CHECK(in_use.status == 1);
  CHECK_THAT(in_use.errors,
             Catch::Contains("[nsqlookupd] ") &&
                 Catch::Contains(fmt::format("FATAL: failed to instantiate nsqlookupd - listen "
                                             "({0}) failed - listen tcp {0}: bind: address already "
                                             "in use\n",
                                             taken)));
  const Finished zero = run_binary({"lookupd", "--inactive-producer-timeout=0"});
  CHECK(zero.status == 1);
  CHECK_THAT(zero.errors, Catch::Contains("--inactive-producer-timeout must be positive"));
  const Finished unknown = run_binary({"lookupd", "--mem-queue-size=1"});
  CHECK(unknown.status == 2);
  CHECK_THAT(unknown.errors, Catch::StartsWith("flag provided but not defined: -mem-queue-size\n"));
  CHECK(run_binary({"lookupd", "--config=/no/such/file"}).status == 1);
}

TEST_CASE("lookupd's help names every flag", "[integration]") {
  const Finished help = run_binary({"lookupd", "--help"});
  CHECK(help.status == 0);
  CHECK(help.output.empty());
  for (const char* flag :
       {"broadcast-address", "config", "http-address", "tcp-address", "version",
        "inactive-producer-timeout", "log-level", "log-prefix", "tombstone-lifetime", "verbose"}) {
    CHECK_THAT(help.errors, Catch::Contains(flag));
  }
}
