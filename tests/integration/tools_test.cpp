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
}
