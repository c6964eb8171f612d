// nsq standalone as a process: three servers, one port each to find in its log.

#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "integration/process.h"
#include "support/catch.h"
#include "support/http_client.h"

using namespace nsq::test;
using namespace std::chrono_literals;

namespace {

template <typename Condition>
bool eventually(Condition condition) {
  const auto limit = std::chrono::steady_clock::now() + 20s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

std::vector<std::string> with_free_ports(const std::string& data_path,
                                         const std::vector<std::string>& flags) {
  std::vector<std::string> arguments{binary(),
                                     "standalone",
                                     "--lookupd-tcp-address=127.0.0.1:0",
                                     "--lookupd-http-address=127.0.0.1:0",
                                     "--daemon-tcp-address=127.0.0.1:0",
                                     "--daemon-http-address=127.0.0.1:0",
                                     "--admin-http-address=127.0.0.1:0",
                                     "--data-path=" + data_path};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  return arguments;
}

// `nsq standalone` on free ports, up and running.
class Standalone {
 public:
  explicit Standalone(const std::string& data_path, const std::vector<std::string>& flags = {})
      : process_(with_free_ports(data_path, flags), files_.path()) {
    if (!eventually([&] {
          return process_.ended() || log().find("everything is up: http://") != std::string::npos;
        })) {
      throw std::runtime_error("the servers do not come up; their log: " + log());
    }
  }

  // The port of "TCP" or "HTTP" of the server whose lines begin like this.
  std::uint16_t port(const std::string& prefix, const std::string& protocol) const {
    const std::string text = log();
    const std::string wanted = " INFO: " + protocol + ": listening on 127.0.0.1:";
    for (std::size_t at = text.find(wanted); at != std::string::npos;
         at = text.find(wanted, at + 1)) {
      const std::size_t line = text.rfind('\n', at) + 1;  // 0 where there is none
      if (text.compare(line, prefix.size(), prefix) != 0) continue;
      return static_cast<std::uint16_t>(std::atoi(text.c_str() + at + wanted.size()));
    }
    throw std::runtime_error(prefix + " has no " + protocol + " port; the log: " + text);
  }
  std::uint16_t tcp_port() const { return port("[nsqd] ", "TCP"); }
  std::uint16_t http_port() const { return port("[nsqd] ", "HTTP"); }
  std::uint16_t lookupd_port() const { return port("[nsqlookupd] ", "HTTP"); }
  std::uint16_t admin_port() const { return port("[nsqadmin] ", "HTTP"); }

  std::string log() const { return process_.errors(); }
  Process& process() { return process_; }
  int stop(int signal = SIGTERM) {
    process_.signal(signal);
    return process_.wait();
  }

 private:
  TemporaryDirectory files_;
  Process process_;
};

HttpAnswer get(std::uint16_t port, const std::string& target) {
  return HttpClient("127.0.0.1", port).get(target);
}

HttpAnswer post(std::uint16_t port, const std::string& target, const std::string& body) {
  return HttpClient("127.0.0.1", port).post(target, body);
}

bool eventually_has(std::uint16_t port, const std::string& target, const std::string& part) {
  return eventually([&] { return get(port, target).body.find(part) != std::string::npos; });
}

}  // namespace

TEST_CASE("one process takes messages, finds them by lookup and shows them in a browser",
          "[integration]") {
  const TemporaryDirectory directory;
  Standalone servers(directory.path());
  const Finished published =
      run_binary({"pub", "--topic=greetings",
                  fmt::format("--nsqd-tcp-address=127.0.0.1:{}", servers.tcp_port())},
                 "hello\nagain\n");
  CHECK(published.status == 0);
  CHECK(eventually_has(servers.lookupd_port(), "/lookup?topic=greetings",
                       fmt::format("\"tcp_port\":{}", servers.tcp_port())));
  const Finished consumed =
      run_binary({"tail", "--topic=greetings", "--channel=c", "-n=2",
                  fmt::format("--lookupd-http-address=127.0.0.1:{}", servers.lookupd_port())});
  CHECK(consumed.status == 0);
  CHECK(consumed.output == "hello\nagain\n");
  const HttpAnswer page = get(servers.admin_port(), "/");
  CHECK(page.status == 200);
  CHECK_THAT(page.body, Catch::Contains("<html"));
  CHECK(eventually_has(servers.admin_port(), "/api/topics/greetings", "\"message_count\":2"));
  CHECK(servers.stop() == 0);
  CHECK_THAT(servers.log(), Catch::Contains("[nsqlookupd] ") && Catch::Contains("[nsqadmin] ") &&
                                Catch::Contains("NSQ: bye"));
}

TEST_CASE("what was acknowledged before kill -9 is there for the next process", "[integration]") {
  const TemporaryDirectory directory;
  {
    Standalone servers(directory.path());
    for (int i = 0; i < 20; ++i) {
      CHECK(post(servers.http_port(), "/pub?topic=t", std::to_string(i)).body == "OK");
    }
    CHECK(servers.stop(SIGKILL) == 128 + SIGKILL);
  }
  Standalone servers(directory.path());
  CHECK_THAT(get(servers.http_port(), "/stats?format=json").body, Catch::Contains("\"depth\":20,"));
  CHECK(eventually_has(servers.lookupd_port(), "/topics", "\"t\""));
  CHECK(eventually_has(servers.admin_port(), "/api/topics", "\"t\""));
  CHECK(servers.stop() == 0);
}

TEST_CASE("a taken port ends the process with one line that says whose", "[integration]") {
  const TemporaryDirectory directory;
  const TemporaryDirectory other;
  Standalone servers(directory.path());
  const std::string taken = fmt::format("127.0.0.1:{}", servers.admin_port());
  std::vector<std::string> arguments =
      with_free_ports(other.path(), {"--admin-http-address=" + taken});
  arguments.erase(arguments.begin());  // the binary's own name
  const Finished refused = run_binary(arguments);
  CHECK(refused.status == 1);
  CHECK(refused.output.empty());
  CHECK_THAT(refused.errors,
             Catch::EndsWith(fmt::format("FATAL: the admin cannot listen on {}: taken by another "
                                         "process; choose another address with "
                                         "--admin-http-address\n",
                                         taken)));
  CHECK(std::filesystem::is_empty(other.path()));
  CHECK(servers.stop(SIGINT) == 0);
}

TEST_CASE("SIGHUP begins the one log file anew for all three", "[integration]") {
  const TemporaryDirectory directory;
  const TemporaryDirectory logs;
  const std::string path = logs / "nsq.log";
  const auto content = [](const std::string& file) {
    std::ifstream text(file);
    return std::string(std::istreambuf_iterator<char>(text), std::istreambuf_iterator<char>());
  };
  Process process(with_free_ports(directory.path(), {"--log-file=" + path, "--log-format=json"}),
                  logs.path());
  REQUIRE(eventually([&] { return content(path).find("everything is up") != std::string::npos; }));
  CHECK_THAT(content(path), Catch::Contains("\"logger\":\"nsqlookupd\"") &&
                                Catch::Contains("\"logger\":\"nsqadmin\""));
  std::filesystem::rename(path, path + ".1");
  process.signal(SIGHUP);
  REQUIRE(eventually([&] { return std::filesystem::exists(path); }));
  process.signal(SIGTERM);
  CHECK(process.wait() == 0);
  CHECK_THAT(content(path), Catch::Contains("\"logger\":\"nsqlookupd\"") &&
                                Catch::Contains("\"logger\":\"nsqadmin\"") &&
                                Catch::Contains("NSQ: bye"));
}

TEST_CASE("a config file and the environment set what flags leave open", "[integration]") {
  const TemporaryDirectory directory;
  const TemporaryDirectory files;
  const std::string config = files / "nsq.toml";
  std::ofstream(config) << "max_rdy_count = 7\nlookupd_log_prefix = \"[discovery] \"\n";
  REQUIRE(::setenv("NSQ_ADMIN_LOG_PREFIX", "[page] ", 1) == 0);
  Standalone servers(directory.path(), {"--config=" + config});
  ::unsetenv("NSQ_ADMIN_LOG_PREFIX");
  CHECK(get(servers.http_port(), "/config/max_rdy_count").body == "7");
  CHECK(get(servers.port("[discovery] ", "HTTP"), "/ping").body == "OK");
  CHECK(get(servers.port("[page] ", "HTTP"), "/ping").body == "OK");
  CHECK(servers.stop() == 0);
}

TEST_CASE("a drained daemon ends the whole process", "[integration]") {
  const TemporaryDirectory directory;
  Standalone servers(directory.path(), {"--sigterm-mode=drain"});
  CHECK(post(servers.http_port(), "/pub?topic=t", "x").body == "OK");
  CHECK(post(servers.http_port(), "/channel/create?topic=t&channel=c", "").status == 200);
  servers.process().signal(SIGTERM);
  CHECK(eventually_has(servers.http_port(), "/info", "\"draining\":true"));
  CHECK(get(servers.admin_port(), "/ping").body == "OK");
  CHECK(post(servers.http_port(), "/channel/empty?topic=t&channel=c", "").status == 200);
  CHECK(servers.process().wait() == 0);
  CHECK_THAT(servers.log(), Catch::Contains("NSQ: drained"));
}
