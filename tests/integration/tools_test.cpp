#include <signal.h>

#include <algorithm>
#include <chrono>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "integration/process.h"
#include "support/catch.h"
#include "support/http_client.h"

using namespace nsq::test;
using namespace std::chrono_literals;

namespace {

std::vector<std::string> sorted_lines(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  std::sort(lines.begin(), lines.end());
  return lines;
}

bool eventually(const std::function<bool()>& condition) {
  for (int i = 0; i < 2000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(5ms);
  }
  return false;
}

// A daemon, and the tools pointed at it.
struct Fixture {
  TemporaryDirectory data;
  TemporaryDirectory files;
  Daemon daemon{data.path()};

  Finished pub(const std::string& topic, const std::string& input) {
    return run_binary({"pub", "--topic=" + topic, "--nsqd-tcp-address=" + daemon.tcp_address()},
                      input);
  }
  Finished tail(const std::string& topic, int count) {
    return run_binary({"tail", "--topic=" + topic, "--channel=c", "-n", std::to_string(count),
                       "--nsqd-tcp-address=" + daemon.tcp_address()});
  }
  std::string stats() {
    return HttpClient("127.0.0.1", daemon.http_port()).get("/stats?format=json").body;
  }
};

using Lines = std::vector<std::string>;

std::string http_flag(const Daemon& daemon) {
  return "--nsqd-http-address=127.0.0.1:" + std::to_string(daemon.http_port());
}

void create_channel(const Daemon& daemon) {
  HttpClient http("127.0.0.1", daemon.http_port());
  REQUIRE(http.post("/topic/create?topic=t", "").status == 200);
  REQUIRE(http.post("/channel/create?topic=t&channel=c", "").status == 200);
}

std::size_t line_count(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

TEST_CASE("what pub and curl publish, tail prints", "[integration]") {
  Fixture fixture;
  CHECK(fixture.pub("t", "one\n\ntwo words\nlast").status == 0);
  HttpClient http("127.0.0.1", fixture.daemon.http_port());
  CHECK(http.post("/pub?topic=t", "by http").body == "OK");
  CHECK(http.post("/mpub?topic=t", "a\nb").body == "OK");
  const Finished printed = fixture.tail("t", 6);
  CHECK(printed.status == 0);
  CHECK(sorted_lines(printed.output) == Lines{"a", "b", "by http", "last", "one", "two words"});
  CHECK(fixture.daemon.stop() == 0);
}

TEST_CASE("tail has finished what it printed when it ends, and given the rest back",
          "[integration]") {
  Fixture fixture;
  CHECK(fixture.pub("t", "1\n2\n3\n4\n5\n").status == 0);
  const Lines first = sorted_lines(fixture.tail("t", 2).output);
  const Lines second = sorted_lines(fixture.tail("t", 3).output);
  CHECK(first.size() == 2);
  Lines all = first;
  all.insert(all.end(), second.begin(), second.end());
  std::sort(all.begin(), all.end());
  CHECK(all == Lines{"1", "2", "3", "4", "5"});
}

TEST_CASE("tail ends in order when it is told to", "[integration]") {
  Fixture fixture;
  Process tail({binary(), "tail", "--topic=t", "--print-topic",
                "--nsqd-tcp-address=" + fixture.daemon.tcp_address()},
               fixture.files.path());
  REQUIRE(eventually([&] { return fixture.stats().find("#ephemeral") != std::string::npos; }));
  CHECK(fixture.pub("t", "hello\n").status == 0);
  CHECK(eventually([&] { return tail.output() == "t | hello\n"; }));
  tail.signal(SIGTERM);
  CHECK(tail.wait() == 0);
}

TEST_CASE("tail finds its daemon again after a crash", "[integration]") {
  Fixture fixture;
  TemporaryDirectory data;
  auto first = std::make_unique<Daemon>(data.path());
  const std::string address = first->tcp_address();
  Process tail({binary(), "tail", "--topic=t", "--channel=c", "--nsqd-tcp-address=" + address},
               fixture.files.path());
  REQUIRE(run_binary({"pub", "--topic=t", "--nsqd-tcp-address=" + address}, "before\n").status ==
          0);
  REQUIRE(eventually([&] { return tail.output() == "before\n"; }));
  first->kill();
  first.reset();
  Daemon second(data.path(), {"--tcp-address=" + address});
  REQUIRE(run_binary({"pub", "--topic=t", "--nsqd-tcp-address=" + address}, "after\n").status == 0);
  CHECK(eventually([&] { return tail.output().ends_with("after\n"); }));
  tail.signal(SIGINT);
  CHECK(tail.wait() == 0);
}

TEST_CASE("a tool that cannot reach its daemon says so", "[integration]") {
  const Finished tail = run_binary({"tail", "--topic=t", "--nsqd-tcp-address=127.0.0.1:1"});
  CHECK(tail.status == 1);
  CHECK(tail.errors.find("dial tcp 127.0.0.1:1: connect: connection refused") != std::string::npos);
  const Finished pub = run_binary({"pub", "--topic=t", "--nsqd-tcp-address=127.0.0.1:1"}, "x\n");
  CHECK(pub.status == 1);
  CHECK(pub.errors.find("connection refused") != std::string::npos);
}

TEST_CASE("stat adds up what all its daemons say of a channel, also under its old name",
          "[integration]") {
  Fixture fixture;
  TemporaryDirectory data;
  Daemon other(data.path());
  for (const Daemon* daemon : {&fixture.daemon, &other}) {
    create_channel(*daemon);
    HttpClient http("127.0.0.1", daemon->http_port());
    REQUIRE(http.post("/mpub?topic=t", "1\n2\n3").status == 200);
  }
  const std::string old_name = fixture.files / "nsq_stat";
  std::filesystem::create_symlink(binary(), old_name);
  Process stat({old_name, "--topic=t", "--channel=c", "--interval=10ms", "--count=2",
                http_flag(fixture.daemon), http_flag(other)},
               fixture.files.path());
  CHECK(stat.wait() == 0);
  const std::string row =
      "      0       0 |       6       6       0     0     0 |       0       0            6       "
      "0\n";
  CHECK(line_count(stat.output()) == 4);
  CHECK(stat.output().ends_with("clients\n" + row + row));
  CHECK(stat.errors().empty());
}

TEST_CASE("stat asks a daemon where it was told to, wherever that says it is", "[integration]") {
  TemporaryDirectory data;
  Daemon daemon(data.path(), {"--broadcast-address=nowhere.invalid"});
  create_channel(daemon);
  const Finished stat = run_binary(
      {"stat", "--topic=t", "--channel=c", "--interval=10ms", "--count=1", http_flag(daemon)});
  CHECK(stat.status == 0);
  CHECK(line_count(stat.output) == 3);
}

TEST_CASE("stat ends in order when it is told to", "[integration]") {
  Fixture fixture;
  create_channel(fixture.daemon);
  Process stat(
      {binary(), "stat", "--topic=t", "--channel=c", "--interval=10ms", http_flag(fixture.daemon)},
      fixture.files.path());
  CHECK(eventually([&] { return line_count(stat.output()) > 30; }));
  stat.signal(SIGINT);
  CHECK(stat.wait() == 0);
  CHECK(stat.errors().empty());
}

TEST_CASE("stat ends rather than leave a daemon out of its sums", "[integration]") {
  Fixture fixture;
  TemporaryDirectory data;
  auto other = std::make_unique<Daemon>(data.path());
  create_channel(fixture.daemon);
  create_channel(*other);
  Process stat({binary(), "stat", "--topic=t", "--channel=c", "--interval=10ms",
                http_flag(fixture.daemon), http_flag(*other)},
               fixture.files.path());
  REQUIRE(eventually([&] { return line_count(stat.output()) >= 3; }));
  other->kill();
  CHECK(stat.wait() == 1);
  CHECK(stat.errors().find("ERROR: failed to get nsqd stats - ") != std::string::npos);
}

TEST_CASE("stat without a channel shows all topics and channels", "[integration]") {
  Fixture fixture;
  TemporaryDirectory data;
  auto other = std::make_unique<Daemon>(data.path());
  create_channel(fixture.daemon);
  create_channel(*other);
  REQUIRE(HttpClient("127.0.0.1", other->http_port()).post("/mpub?topic=t", "1\n2").status == 200);
  const std::string first = http_flag(fixture.daemon);
  const std::string second = http_flag(*other);

  const Finished once = run_binary({"stat", "--once", first, second});
  CHECK(once.status == 0);
  CHECK(once.output ==
        "topic, channel               in/s    out/s     depth in flight deferred clients\n"
        "t                               -                  0\n"
        "  c                             -        -         2         0        0       0\n");
  const Finished counted = run_binary({"stat", "--count=2", "--interval=10ms", first, second});
  CHECK(counted.status == 0);
  const std::string report =
      "topic, channel               in/s    out/s     depth in flight deferred clients\n"
      "t                             0.0                  0\n"
      "  c                           0.0      0.0         2         0        0       0\n";
  CHECK(counted.output == report + "\n" + report);
  CHECK(counted.errors.empty());

  // It goes on with the daemon that is left, and says who is not.
  other->kill();
  const Finished json = run_binary({"stat", "--topic=t", "--json", "--once", first, second});
  CHECK(json.status == 0);
  CHECK(json.output.find(R"("topic_name":"t","ingress":null,"depth":0)") != std::string::npos);
  CHECK(json.output.find("connection refused") != std::string::npos);
  CHECK(line_count(json.output) == 1);
  const Finished nobody = run_binary({"stat", "--json", second});
  CHECK(nobody.status == 1);
  CHECK(nobody.output.empty());
  CHECK(nobody.errors.find("failed to query any nsqd: ") != std::string::npos);
}

TEST_CASE("an overview outlives its daemons, and finds them again", "[integration]") {
  Fixture fixture;
  TemporaryDirectory data;
  auto daemon = std::make_unique<Daemon>(data.path());
  create_channel(*daemon);
  const std::string address = "127.0.0.1:" + std::to_string(daemon->http_port());
  Process stat({binary(), "stat", "--json", "--interval=10ms", "--nsqd-http-address=" + address},
               fixture.files.path());
  const std::string topic = R"("topic_name":"t")";
  REQUIRE(eventually([&] { return stat.output().find(topic) != std::string::npos; }));
  daemon->kill();
  REQUIRE(eventually([&] { return stat.output().find("failed to query") != std::string::npos; }));
  const std::size_t before = stat.output().size();
  daemon =
      std::make_unique<Daemon>(data.path(), std::vector<std::string>{"--http-address=" + address});
  CHECK(eventually([&] { return stat.output().find(topic, before) != std::string::npos; }));
  stat.signal(SIGTERM);
  CHECK(stat.wait() == 0);
}

TEST_CASE("stat says what it cannot find", "[integration]") {
  Fixture fixture;
  HttpClient http("127.0.0.1", fixture.daemon.http_port());
  REQUIRE(http.post("/topic/create?topic=t", "").status == 200);
  const auto errors_of = [](const std::string& topic, const std::string& source) {
    const Finished stat = run_binary({"stat", "--topic=" + topic, "--channel=c", source});
    CHECK(stat.status == 1);
    CHECK(stat.output.empty());
    return stat.errors;
  };
  const std::string no_channel = "ERROR: failed to find channel(c) in stats metadata for topic(";
  const std::string daemon = http_flag(fixture.daemon);
  CHECK(errors_of("t", daemon).find(no_channel + "t)") != std::string::npos);
  CHECK(errors_of("u", daemon).find(no_channel + "u)") != std::string::npos);
  const std::string nowhere = errors_of("t", "--nsqd-http-address=127.0.0.1:1");
  CHECK(nowhere.find("ERROR: failed to get nsqd stats - failed to query any nsqd: ") !=
        std::string::npos);
  CHECK(nowhere.find("connection refused") != std::string::npos);
  Lookupd lookupd;
  const std::string unknown =
      errors_of("t", "--lookupd-http-address=127.0.0.1:" + std::to_string(lookupd.http_port()));
  CHECK(unknown.find("ERROR: failed to get topic producers - failed to query any nsqlookupd: got "
                     "response 404") != std::string::npos);
  HttpClient("127.0.0.1", lookupd.http_port()).post("/topic/create?topic=t", "");
  const std::string nobody =
      errors_of("t", "--lookupd-http-address=127.0.0.1:" + std::to_string(lookupd.http_port()));
  CHECK(nobody.find("none has the topic") != std::string::npos);
}

TEST_CASE("a tool checks its arguments before it connects", "[integration]") {
  const auto refuses = [](std::vector<std::string> arguments, const std::string& reason) {
    CAPTURE(reason);
    const Finished finished = run_binary(std::move(arguments), "x\n");
    CHECK(finished.status == 1);
    CHECK(finished.errors.find(reason) != std::string::npos);
  };
  const std::string nowhere = "--nsqd-tcp-address=127.0.0.1:1";
  refuses({"tail", "--topic=t"}, "--nsqd-tcp-address or --lookupd-http-address required");
  refuses({"tail", nowhere}, "--topic required");
  refuses({"tail", "--topic=t", nowhere, "--lookupd-http-address=x"}, "not both");
  refuses({"tail", "--topic=bad!", nowhere}, "invalid topic name");
  refuses({"tail", "--topic=t", "--channel=a b", nowhere}, "invalid channel name");
  refuses({"pub", nowhere}, "--topic required");
  refuses({"pub", "--topic=bad topic", nowhere}, "invalid topic name");
  refuses({"pub", "--topic=t", "--delimiter=ab", nowhere}, "--delimiter must be a single byte");
  refuses({"pub", "--topic=t"}, "--nsqd-tcp-address required");

  const std::string daemon = "--nsqd-http-address=127.0.0.1:1";
  const auto stat_refuses = [&](std::vector<std::string> arguments, const std::string& reason) {
    arguments.insert(arguments.begin(), {"stat", "--topic=t", "--channel=c"});
    refuses(std::move(arguments), reason);
  };
  refuses({"stat", "--channel=c", daemon}, "--topic and --channel are required");
  stat_refuses({daemon, "--interval=-1s"}, "--interval should be positive");
  stat_refuses({daemon, "--http-client-connect-timeout=0"},
               "--http-client-connect-timeout should be positive");
  stat_refuses({daemon, "--http-client-request-timeout=0"},
               "--http-client-request-timeout should be positive");
  stat_refuses({daemon, "--count=0"}, "--count should be positive");
  stat_refuses({}, "--nsqd-http-address or --lookupd-http-address required");
  stat_refuses({daemon, "--lookupd-http-address=x:1"}, "not both");
  stat_refuses({"--nsqd-http-address=http://x:1"},
               "--nsqd-http-address error - address should not contain scheme");
  stat_refuses({"--lookupd-http-address=httpd:1"},
               "--lookupd-http-address error - address should not contain scheme");
}

TEST_CASE("health tells whether a server is well by its status", "[integration]") {
  Fixture fixture;
  const std::string address = "127.0.0.1:" + std::to_string(fixture.daemon.http_port());
  const Finished well = run_binary({"health", "--http-address=" + address});
  CHECK(well.status == 0);
  CHECK(well.output == address + " OK\n");

  CHECK(fixture.daemon.stop() == 0);
  const Finished gone = run_binary({"health", "--http-address=" + address});
  CHECK(gone.status == 1);
  CHECK(gone.output.find("connection refused") != std::string::npos);
  CHECK(run_binary({"health", "--absent-is-healthy", "--http-address=" + address}).status == 0);
}

TEST_CASE("health waits for a server that is still to come", "[integration]") {
  Fixture fixture;
  TemporaryDirectory data;
  const std::string address = "127.0.0.1:" + std::to_string(fixture.daemon.http_port());
  CHECK(fixture.daemon.stop() == 0);
  Process health({binary(), "health", "--wait=30s", "--http-address=" + address},
                 fixture.files.path());
  CHECK_FALSE(health.ended());
  Daemon late(data.path(), {"--http-address=" + address});
  CHECK(health.wait() == 0);
  CHECK(health.output() == address + " OK\n");
}
