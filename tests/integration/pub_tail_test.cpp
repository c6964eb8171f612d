#include <signal.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "integration/channel_stats.h"
#include "integration/process.h"
#include "support/catch.h"
#include "support/http_client.h"

using namespace nsq::test;
using namespace std::chrono_literals;

namespace {

using Lines = std::vector<std::string>;

std::string address_flag(const Daemon& daemon) {
  return "--nsqd-tcp-address=" + daemon.tcp_address();
}

Finished pub(const Daemon& daemon, const std::string& input, const Lines& flags = {}) {
  Lines arguments = {"pub", "--topic=t", address_flag(daemon)};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  return run_binary(arguments, input);
}

Finished tail(const Daemon& daemon, const Lines& flags) {
  Lines arguments = {"tail", "--topic=t", "--channel=c", address_flag(daemon)};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  return run_binary(arguments);
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// The number before " of N messages acknowledged".
long acknowledged_of(const std::string& errors) {
  const std::size_t end = errors.find(" of ");
  REQUIRE(end != std::string::npos);
  const std::size_t begin = errors.rfind(' ', end - 1);
  return std::strtol(errors.c_str() + begin, nullptr, 10);
}

}  // namespace

TEST_CASE("pub reads a file as it does standard input", "[integration]") {
  TemporaryDirectory data;
  const Daemon daemon(data.path());
  TemporaryDirectory files;
  std::ofstream(files / "lines") << "one;two;;three";
  CHECK(pub(daemon, "not this\n", {"--file=" + files / "lines", "--delimiter=;"}).status == 0);
  CHECK(distinct_bodies(daemon, "t") == Lines{"one", "three", "two"});
  const Finished missing = pub(daemon, "", {"--file=" + files / "missing"});
  CHECK(missing.status == 1);
  CHECK(contains(missing.errors, "missing: No such file or directory"));
}

TEST_CASE("pub defers what it publishes", "[integration]") {
  TemporaryDirectory data;
  const Daemon daemon(data.path());
  HttpClient http("127.0.0.1", daemon.http_port());
  REQUIRE(http.post("/topic/create?topic=t", "").status == 200);
  REQUIRE(http.post("/channel/create?topic=t&channel=c", "").status == 200);
  CHECK(pub(daemon, "a\nb\nc\n", {"--defer=10m"}).status == 0);
  CHECK(channel_number(daemon, "t", "deferred_count") == 3);
  CHECK(channel_number(daemon, "t", "depth") == 0);
}

TEST_CASE("pub sends batches as large as it is told to", "[integration]") {
  TemporaryDirectory data;
  const Daemon daemon(data.path(), {"--max-msg-size=10"});
  // The piece that is too long takes its batch along.
  const std::string input = "a\nb\nc\nfar too long\n";
  const Finished together = pub(daemon, input, {"--batch=4"});
  CHECK(together.status == 1);
  CHECK(contains(together.errors, "E_BAD_MESSAGE"));
  CHECK(contains(together.errors, "(" + daemon.tcp_address() + ") 0 of 4 messages acknowledged"));
  CHECK(topic_depth(daemon, "t") <= 0);
  const Finished alone = pub(daemon, input, {"--batch=1"});
  CHECK(alone.status == 1);
  CHECK(contains(alone.errors, "3 of 4 messages acknowledged"));
  CHECK(distinct_bodies(daemon, "t") == Lines{"a", "b", "c"});
}

TEST_CASE("pub fails when its daemon is killed, and counts no message that is lost",
          "[integration]") {
  TemporaryDirectory data;
  TemporaryDirectory files;
  auto daemon = std::make_unique<Daemon>(data.path());
  std::string input;
  for (int i = 0; i < 200'000; ++i) input += "message " + std::to_string(i) + "\n";
  Process pub({binary(), "pub", "--topic=t", "--rate=20000", "--batch=20", address_flag(*daemon)},
              files.path(), input);
  REQUIRE(eventually([&] { return topic_depth(*daemon, "t") > 1000; }));
  daemon->kill();
  CHECK(pub.wait() == 1);
  const long acknowledged = acknowledged_of(pub.errors());
  CHECK(acknowledged > 1000);
  Daemon again(data.path());
  CHECK(topic_depth(again, "t") >= acknowledged);
}

TEST_CASE("pub fails when a message is not acknowledged in time", "[integration]") {
  TemporaryDirectory data;
  Daemon daemon(data.path());
  daemon.process().signal(SIGSTOP);
  const Finished silent =
      pub(daemon, "x\n",
          {"--producer-opt=dial_timeout,200ms", "--producer-opt=publish_timeout,200ms",
           "--producer-opt=read_timeout,300ms", "--producer-opt=heartbeat_interval,200ms"});
  daemon.process().signal(SIGCONT);
  CHECK(silent.status == 1);
  CHECK(contains(silent.errors, "0 of 1 messages acknowledged"));
}

TEST_CASE("pub fails when one of its destinations fails", "[integration]") {
  TemporaryDirectory data;
  const Daemon daemon(data.path());
  const Finished half = pub(daemon, "x\n", {"--nsqd-tcp-address=127.0.0.1:1"});
  CHECK(half.status == 1);
  CHECK(contains(half.errors, "(127.0.0.1:1) 0 of 1 messages acknowledged"));
  CHECK(!contains(half.errors, "(" + daemon.tcp_address() + ") 0 of 1"));
  CHECK(distinct_bodies(daemon, "t") == Lines{"x"});
}

TEST_CASE("what pub is told to stop for is acknowledged all the same", "[integration]") {
  TemporaryDirectory data;
  TemporaryDirectory files;
  const Daemon daemon(data.path());
  Process pub(
      {binary(), "pub", "--topic=t", "--rate=100", address_flag(daemon)}, files.path(),
      "a\nb\n" + std::string(100'000, '\n') + "c\n" + [] {
        std::string rest;
        for (int i = 0; i < 100'000; ++i) rest += "x\n";
        return rest;
      }());
  REQUIRE(eventually([&] { return topic_depth(daemon, "t") >= 3; }));
  pub.signal(SIGTERM);
  CHECK(pub.wait() == 0);
}

TEST_CASE("pub refuses what makes no sense", "[integration]") {
  const auto refuses = [](Lines flags, const std::string& reason, int status) {
    CAPTURE(reason);
    flags.insert(flags.begin(), {"pub", "--topic=t", "--nsqd-tcp-address=127.0.0.1:1"});
    const Finished finished = run_binary(flags, "x\n");
    CHECK(finished.status == status);
    CHECK(contains(finished.errors, reason));
  };
  refuses({"--defer=-1s"}, "--defer should not be negative", 1);
  refuses({"--batch=0"}, "--batch should be positive", 1);
  refuses({"--producer-opt=tls_v1,maybe"}, "for flag -producer-opt: failed to coerce option tls_v1",
          2);
  refuses({"--producer-opt=snappy", "--producer-opt=deflate"}, "snappy", 1);
}

TEST_CASE("tail prints messages in the format one asks for", "[integration]") {
  TemporaryDirectory data;
  const Daemon daemon(data.path());
  CHECK(pub(daemon, "hello\n").status == 0);
  const Finished json = tail(daemon, {"-n=1", "--format=json"});
  CHECK(json.status == 0);
  CHECK(json.output.starts_with(R"({"id":")"));
  CHECK(contains(json.output, R"(","timestamp":1)"));
  CHECK(json.output.ends_with(R"(,"attempts":1,"source":")" + daemon.tcp_address() +
                              R"(","topic":"t","body":"hello"})"
                              "\n"));
  CHECK(pub(daemon, "hello\n").status == 0);
  CHECK(tail(daemon, {"-n=1", "--format=hex", "--print-topic"}).output == "t | 68656c6c6f\n");
  const Finished unknown = tail(daemon, {"--format=xml"});
  CHECK(unknown.status == 2);
  CHECK(
      contains(unknown.errors, R"(invalid value "xml" for flag -format: not plain, json or hex)"));
}

TEST_CASE("tail asks for no more messages than it prints", "[integration]") {
  TemporaryDirectory data;
  const Daemon daemon(data.path());
  CHECK(pub(daemon, "1\n2\n3\n4\n5\n").status == 0);
  CHECK(tail(daemon, {"-n=2"}).status == 0);
  // Nothing had to be given back.
  CHECK(channel_number(daemon, "t", "requeue_count") == 0);
  CHECK(channel_number(daemon, "t", "depth") == 3);
}

TEST_CASE("tail takes the options of its client library", "[integration]") {
  TemporaryDirectory data;
  TemporaryDirectory files;
  const Daemon daemon(data.path());
  Process tail({binary(), "tail", "--topic=t", "--channel=c", address_flag(daemon),
                "--consumer-opt=client_id,me", "--consumer-opt=snappy",
                "--consumer-opt=max-in-flight,3", "--max-in-flight=7"},
               files.path());
  HttpClient http("127.0.0.1", daemon.http_port());
  REQUIRE(eventually(
      [&] { return contains(http.get("/stats?format=json").body, R"("ready_count":7)"); }));
  const std::string stats = http.get("/stats?format=json").body;
  CHECK(contains(stats, R"("client_id":"me")"));
  CHECK(contains(stats, R"("snappy":true)"));
  CHECK(contains(stats, R"("user_agent":"nsq_tail/)"));
  tail.signal(SIGINT);
  CHECK(tail.wait() == 0);
}
