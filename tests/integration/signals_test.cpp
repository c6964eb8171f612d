#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include "integration/process.h"
#include "support/catch.h"
#include "support/http_client.h"

using namespace nsq::test;
using namespace std::chrono_literals;

namespace {

std::string content(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// Waits, within a limit, for something another process does.
template <typename Condition>
bool eventually(Condition condition) {
  const auto limit = std::chrono::steady_clock::now() + 20s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

}  // namespace

TEST_CASE("SIGTERM drains a daemon that is told so, and the next one stops it", "[integration]") {
  const TemporaryDirectory directory;
  Daemon daemon(directory.path().string(), {"--sigterm-mode=drain"});
  HttpClient client("127.0.0.1", daemon.http_port());
  CHECK(client.post("/pub?topic=t", "x").body == "OK");
  CHECK(client.post("/channel/create?topic=t&channel=c", "").status == 200);
  daemon.process().signal(SIGTERM);
  CHECK(eventually(
      [&] { return client.get("/info").body.find("\"draining\":true") != std::string::npos; }));
  CHECK(client.post("/pub?topic=t", "x").status == 503);

  SECTION("when the last message is gone, it ends") {
    CHECK(client.post("/channel/empty?topic=t&channel=c", "").status == 200);
    CHECK(daemon.process().wait() == 0);
    CHECK_THAT(daemon.process().errors(), Catch::Contains("NSQ: drained"));
  }
  SECTION("a second signal ends it in good order, its messages kept") {
    daemon.process().signal(SIGTERM);
    CHECK(daemon.process().wait() == 0);
    Daemon again(directory.path().string());
    HttpClient later("127.0.0.1", again.http_port());
    CHECK_THAT(later.get("/stats?format=json").body, Catch::Contains(R"("depth":1,)"));
  }
}

TEST_CASE("a request over HTTP drains a daemon, which then ends", "[integration]") {
  const TemporaryDirectory directory;
  Daemon daemon(directory.path().string());
  HttpClient client("127.0.0.1", daemon.http_port());
  CHECK(client.put("/config/drain", "").status == 200);
  CHECK(daemon.process().wait() == 0);
}

TEST_CASE("SIGHUP begins the log file anew, and ends nothing", "[integration]") {
  const TemporaryDirectory directory;
  const TemporaryDirectory logs;
  const std::string log = logs / "nsqd.log";
  // The daemon's ports are read from standard error, so that only the second one logs to the file.
  Process process(
      {binary(), "daemon", "--tcp-address=127.0.0.1:0", "--http-address=127.0.0.1:0",
       "--data-path=" + directory.path().string(), "--log-file=" + log, "--log-format=json"},
      logs.path().string());
  CHECK(eventually([&] { return content(log).find("TCP: listening on") != std::string::npos; }));
  CHECK(content(log).starts_with("{\"time\":\""));
  std::filesystem::rename(log, log + ".1");
  process.signal(SIGHUP);
  CHECK(eventually([&] { return std::filesystem::exists(log); }));
  process.signal(SIGTERM);
  CHECK(process.wait() == 0);
  CHECK_THAT(content(log), Catch::Contains("NSQ: bye"));
  CHECK(content(log + ".1").find("NSQ: bye") == std::string::npos);
  CHECK(process.errors().empty());
}
