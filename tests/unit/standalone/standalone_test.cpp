#include "standalone/standalone.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "daemon/data_path_lock.h"
#include "support/catch.h"
#include "support/http_client.h"
#include "support/quiet_log.h"

using namespace std::chrono_literals;
using nsq::standalone::Options;
using nsq::standalone::Standalone;
using nsq::test::HttpClient;

namespace {

// A data path, gone with the test, and servers on it.
class StandaloneFixture {
 public:
  StandaloneFixture() {
    static int number = 0;
    path_ = std::filesystem::temp_directory_path() /
            fmt::format("nsq-standalone-test-{}-{}", ::getpid(), ++number);
    std::filesystem::create_directory(path_);
    options.lookupd.tcp_address = options.lookupd.http_address = "127.0.0.1:0";
    options.daemon.tcp_address = options.daemon.http_address = "127.0.0.1:0";
    options.admin.http_address = "127.0.0.1:0";
    options.daemon.data_path = path_.string();
    options.daemon.io_threads = 1;
  }
  ~StandaloneFixture() {
    servers.reset();
    std::filesystem::remove_all(path_);
  }
  nsq::Result<void> start(nsq::daemon::Daemon::Hooks hooks = {}) {
    servers = std::make_unique<Standalone>(options, std::move(hooks));
    return servers->start();
  }
  bool data_path_is_free() const { return nsq::daemon::DataPathLock::take(path_.string()).ok(); }

  const nsq::test::QuietLog quiet;
  Options options;
  std::unique_ptr<Standalone> servers;

 private:
  std::filesystem::path path_;
};

std::string get(int port, const std::string& target) {
  return HttpClient("127.0.0.1", static_cast<std::uint16_t>(port)).get(target).body;
}

// Asks until the answer has the part; servers tell each other things when they get to it.
bool eventually_has(int port, const std::string& target, const std::string& part) {
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (std::chrono::steady_clock::now() < deadline) {
    if (get(port, target).find(part) != std::string::npos) return true;
    std::this_thread::sleep_for(5ms);
  }
  return false;
}

}  // namespace

TEST_CASE("three servers of one process find each other on ports of the system's choice",
          "[standalone]") {
  StandaloneFixture fixture;
  REQUIRE(fixture.start());
  Standalone& servers = *fixture.servers;
  HttpClient daemon("127.0.0.1", static_cast<std::uint16_t>(servers.daemon_http_port()));
  CHECK(daemon.post("/pub?topic=greetings", "hello").body == "OK");
  const std::string port = fmt::format("\"tcp_port\":{}", servers.daemon_tcp_port());
  CHECK(eventually_has(servers.lookupd_http_port(), "/lookup?topic=greetings", port));
  CHECK(eventually_has(servers.admin_http_port(), "/api/nodes", port));
  CHECK(eventually_has(servers.admin_http_port(), "/api/topics/greetings", "\"message_count\":1"));
  servers.stop();
  CHECK(fixture.data_path_is_free());
}

TEST_CASE("a port that is taken is told with its server and its flag, and nothing is left running",
          "[standalone]") {
  StandaloneFixture first;
  REQUIRE(first.start());
  struct Row {
    int port;
    const char* server;
    const char* flag;
    std::string& (*address)(Options& options);
  };
  const Row rows[] = {
      {first.servers->lookupd_tcp_port(), "lookupd", "--lookupd-tcp-address",
       [](Options& options) -> std::string& { return options.lookupd.tcp_address; }},
      {first.servers->lookupd_http_port(), "lookupd", "--lookupd-http-address",
       [](Options& options) -> std::string& { return options.lookupd.http_address; }},
      {first.servers->admin_http_port(), "admin", "--admin-http-address",
       [](Options& options) -> std::string& { return options.admin.http_address; }},
      {first.servers->daemon_tcp_port(), "daemon", "--daemon-tcp-address",
       [](Options& options) -> std::string& { return options.daemon.tcp_address; }},
      {first.servers->daemon_http_port(), "daemon", "--daemon-http-address",
       [](Options& options) -> std::string& { return options.daemon.http_address; }},
  };
  for (const Row& row : rows) {
    CAPTURE(row.flag);
    StandaloneFixture second;
    const std::string taken = fmt::format("127.0.0.1:{}", row.port);
    row.address(second.options) = taken;
    const auto started = second.start();
    REQUIRE(!started);
    CHECK(
        started.error().context() ==
        fmt::format("the {} cannot listen on {}: taken by another process; choose another address "
                    "with {}",
                    row.server, taken, row.flag));
    CHECK(second.data_path_is_free());
  }
}

TEST_CASE("a port given to two servers of one process is told with both flags", "[standalone]") {
  StandaloneFixture free;
  REQUIRE(free.start());
  const std::string address = fmt::format("127.0.0.1:{}", free.servers->admin_http_port());
  free.servers->stop();
  StandaloneFixture fixture;
  fixture.options.admin.http_address = address;
  fixture.options.daemon.http_address = address;
  const auto started = fixture.start();
  REQUIRE(!started);
  CHECK(started.error().context() ==
        fmt::format("the daemon cannot listen on {}: taken by --admin-http-address; choose another "
                    "address with --daemon-http-address",
                    address));
}

TEST_CASE("a drain asked for before the daemon is there is not forgotten", "[standalone]") {
  StandaloneFixture fixture;
  std::atomic<bool> drained = false;
  fixture.servers = std::make_unique<Standalone>(
      fixture.options, nsq::daemon::Daemon::Hooks{.is_stopping = [] { return false; },
                                                  .on_drained = [&] { drained = true; }});
  fixture.servers->drain();
  REQUIRE(fixture.servers->start());
  CHECK(eventually_has(fixture.servers->daemon_http_port(), "/info", "\"draining\":true"));
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (!drained && std::chrono::steady_clock::now() < deadline) std::this_thread::sleep_for(5ms);
  CHECK(drained);
  fixture.servers->stop();
}
