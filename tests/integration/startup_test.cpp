#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>

#include "integration/process.h"
#include "support/catch.h"
#include "support/http_client.h"

using namespace nsq::test;

namespace {

// A daemon that must not start: one line on standard error, nothing on standard output.
void check_refusal(const Finished& finished, int status, const std::string& reason) {
  CAPTURE(finished.errors);
  CHECK(finished.status == status);
  CHECK(finished.output.empty());
  CHECK(finished.errors.find(reason) != std::string::npos);
}

// The last line of standard error, which is where a start-up error stands.
std::string last_line(const std::string& text) {
  const std::size_t end = text.find_last_not_of('\n');
  if (end == std::string::npos) return "";
  const std::size_t begin = text.rfind('\n', end);
  return text.substr(begin == std::string::npos ? 0 : begin + 1, end - begin);
}

Finished run_daemon(std::vector<std::string> flags) {
  std::vector<std::string> arguments{"daemon", "--tcp-address=127.0.0.1:0",
                                     "--http-address=127.0.0.1:0"};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  return run_binary(arguments);
}

}  // namespace

TEST_CASE("a flag that does not exist is named, with status 2", "[integration]") {
  check_refusal(run_daemon({"--no-such-flag=1"}), 2,
                "flag provided but not defined: -no-such-flag");
  check_refusal(run_daemon({"--mem-queue-size=many"}), 2,
                "invalid value \"many\" for flag -mem-queue-size: parse error");
  check_refusal(run_daemon({"--durability=perhaps"}), 2, "must be log, fsync or memory");
}

TEST_CASE("help and version end with status 0, each on its own stream", "[integration]") {
  const Finished help = run_binary({"daemon", "--help"});
  CHECK(help.status == 0);
  CHECK(help.output.empty());
  CHECK(help.errors.find("--mem-queue-size") != std::string::npos);
  const Finished version = run_binary({"daemon", "-version"});
  CHECK(version.status == 0);
  CHECK(version.output.starts_with("nsqd v"));
  CHECK(version.errors.empty());
}

TEST_CASE("the binary behaves as the program whose name it is called by", "[integration]") {
  const TemporaryDirectory directory;
  const std::string link = directory / "nsqd";
  REQUIRE(::symlink(binary().c_str(), link.c_str()) == 0);
  Process process({link, "-version"}, directory.path());
  CHECK(process.wait() == 0);
  CHECK(process.output().starts_with("nsqd v"));
}

TEST_CASE("a data path that does not exist stops the daemon", "[integration]") {
  const TemporaryDirectory directory;
  check_refusal(run_daemon({"--data-path=" + directory / "missing"}), 1,
                "failed to lock data-path");
}

TEST_CASE("a data path that another daemon uses stops the daemon", "[integration]") {
  const TemporaryDirectory directory;
  Daemon first(directory.path());
  check_refusal(run_daemon({"--data-path=" + directory.path().string()}), 1,
                "possibly in use by another instance");
  CHECK(first.stop() == 0);
}

TEST_CASE("a data path that cannot be written stops the daemon", "[integration]") {
  const TemporaryDirectory directory;
  REQUIRE(::chmod(directory.path().c_str(), 0500) == 0);
  // Permissions do not bind root; nobody can make a file in /proc.
  const bool is_root = ::access(directory.path().c_str(), W_OK) == 0;
  const std::string path = is_root ? "/proc" : directory.path().string();
  const Finished finished = run_daemon({"--data-path=" + path});
  CAPTURE(finished.errors);
  CHECK(finished.status == 1);
  CHECK(last_line(finished.errors).find(path) != std::string::npos);
}

TEST_CASE("a data path that is a file stops the daemon", "[integration]") {
  const TemporaryDirectory directory;
  const Finished finished = run_daemon({"--data-path=" + binary()});
  CHECK(finished.status == 1);
  CHECK(last_line(finished.errors).find(binary()) != std::string::npos);
}

TEST_CASE("a port in use stops the daemon and is named", "[integration]") {
  const TemporaryDirectory first_path;
  const TemporaryDirectory second_path;
  Daemon first(first_path.path());
  for (const std::string flag : {"--tcp-address=", "--http-address="}) {
    const Finished finished =
        run_daemon({"--data-path=" + second_path.path().string(), flag + first.tcp_address()});
    CHECK(finished.status == 1);
    CHECK(last_line(finished.errors).find("address already in use") != std::string::npos);
    CHECK(last_line(finished.errors).find(first.tcp_address()) != std::string::npos);
  }
  CHECK(first.stop() == 0);
}

TEST_CASE("a flag goes before the environment, and that before the config file", "[integration]") {
  const TemporaryDirectory directory;
  const TemporaryDirectory files;
  std::ofstream(files / "nsqd.cfg")
      << "max_rdy_count = 1\nmax_msg_size = 1\nsync_every = 1\nodd = 1\n";
  REQUIRE(::setenv("NSQ_MAX_RDY_COUNT", "2", 1) == 0);
  REQUIRE(::setenv("NSQ_MAX_MSG_SIZE", "2", 1) == 0);
  Daemon daemon(directory.path().string(),
                {"--config=" + (files / "nsqd.cfg"), "-max-rdy-count=3"});
  const Finished refused = run_daemon({"--config=/no/such/file"});
  ::unsetenv("NSQ_MAX_RDY_COUNT");
  ::unsetenv("NSQ_MAX_MSG_SIZE");
  HttpClient client("127.0.0.1", daemon.http_port());
  CHECK(client.get("/config/max_rdy_count").body == "3");
  CHECK(client.get("/config/max_msg_size").body == "2");
  CHECK(client.get("/config/sync_every").body == "1");
  CHECK_THAT(daemon.process().errors(),
             Catch::Contains("unknown key \"odd\", ignored") &&
                 Catch::Contains("settings from the environment: NSQ_MAX_MSG_SIZE"));
  CHECK(daemon.stop() == 0);
  check_refusal(refused, 1, "failed to load config file /no/such/file - ");
}

TEST_CASE("a daemon says in the log what it closes, as scripts know it", "[integration]") {
  const TemporaryDirectory directory;
  Daemon daemon(directory.path().string());
  HttpClient client("127.0.0.1", daemon.http_port());
  CHECK(client.post("/channel/create?topic=t&channel=c", "").status == 404);
  CHECK(client.post("/topic/create?topic=t", "").status == 200);
  CHECK(client.post("/channel/create?topic=t&channel=c", "").status == 200);
  CHECK(client.post("/pub?topic=t&defer=60000", "later").body == "OK");
  CHECK(daemon.stop() == 0);
  const std::string log = daemon.process().errors();
  std::size_t at = 0;
  for (const char* line : {"TCP: listening on", "HTTP: listening on", "TCP: closing",
                           "HTTP: closing", "NSQ: persisting topic/channel metadata to",
                           "NSQ: closing topics", "TOPIC(t): closing", "CHANNEL(c): closing",
                           "CHANNEL(c): flushing 0 memory 0 in-flight 1 deferred messages to "
                           "backend",
                           "NSQ: stopping subsystems", "NSQ: bye"}) {
    CAPTURE(line, log);
    at = log.find(line, at);
    REQUIRE(at != std::string::npos);
  }
}
