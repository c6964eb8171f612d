#include <signal.h>
#include <simdjson.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "integration/process.h"
#include "support/catch.h"
#include "support/certificates.h"
#include "support/http_client.h"

using namespace nsq::test;
using namespace std::chrono_literals;

namespace {

// A report of `nsq bench --json`, parsed.
class Report {
 public:
  explicit Report(const std::string& text) {
    REQUIRE(parser_.parse(simdjson::padded_string(text)).get(root_) == simdjson::SUCCESS);
    REQUIRE(root_.is_object());
  }

  double number(const std::string& pointer) const {
    double value = -1;
    INFO(pointer);
    REQUIRE(root_.at_pointer(pointer).get(value) == simdjson::SUCCESS);
    return value;
  }
  bool is_true(const std::string& pointer) const {
    bool value = false;
    return root_.at_pointer(pointer).get(value) == simdjson::SUCCESS && value;
  }
  std::string text(const std::string& pointer) const {
    std::string_view value;
    INFO(pointer);
    REQUIRE(root_.at_pointer(pointer).get(value) == simdjson::SUCCESS);
    return std::string(value);
  }
  bool has(const std::string& pointer) const {
    return root_.at_pointer(pointer).error() == simdjson::SUCCESS;
  }

 private:
  simdjson::dom::parser parser_;
  simdjson::dom::element root_;
};

struct Fixture {
  TemporaryDirectory data;
  Daemon daemon;

  explicit Fixture(std::vector<std::string> flags = {}) : daemon(data.path(), std::move(flags)) {}

  Finished bench(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "bench");
    arguments.push_back("--nsqd-tcp-address=" + daemon.tcp_address());
    return run_binary(std::move(arguments));
  }
  // A run that has to succeed, and its report.
  Report report(std::vector<std::string> arguments) {
    arguments.push_back("--json");
    const Finished finished = bench(std::move(arguments));
    INFO(finished.errors);
    CHECK(finished.errors.empty());
    REQUIRE(finished.status == 0);
    return Report(finished.output);
  }
  std::string depths(const std::string& topic) {
    return HttpClient("127.0.0.1", daemon.http_port())
        .get("/stats?format=json&topic=" + topic)
        .body;
  }
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("what bench publishes by count can be consumed by count", "[integration]") {
  Fixture f;
  const Report published = f.report({"pub", "--topic=t", "--count=20000"});
  CHECK(published.text("/mode") == "pub");
  CHECK(published.number("/published/messages") == 20'000);
  CHECK(published.number("/published/measured_messages") == 20'000);
  CHECK(published.number("/published/rate") > 0);
  CHECK(published.number("/answer_us/count") == 100);  // batches of 200
  CHECK(published.is_true("/complete"));
  CHECK_FALSE(published.has("/consumed"));
  CHECK(contains(f.depths("t"), "\"message_count\":20000"));

  const Report consumed = f.report({"sub", "--topic=t", "--count=20000"});
  CHECK(consumed.number("/consumed/messages") == 20'000);
  CHECK(consumed.number("/expected") == 20'000);
  CHECK(consumed.number("/redelivered") == 0);
  CHECK_FALSE(consumed.has("/published"));
}

TEST_CASE("bench publishes and consumes at once, every message once per channel", "[integration]") {
  Fixture f;
  const Report plain =
      f.report({"pubsub", "--count=10000", "--batch=10", "--size=50", "--connections=3"});
  CHECK(plain.number("/published/messages") == 10'000);
  CHECK(plain.number("/consumed/messages") == 10'000);
  CHECK(plain.number("/size") == 50);

  const Report singles =
      f.report({"pubsub", "--count=1000", "--batch=1", "--window=1", "--connections=8", "--rdy=1"});
  CHECK(singles.number("/consumed/messages") == 1000);
  CHECK(singles.number("/answer_us/count") == 1000);

  const Report large =
      f.report({"pubsub", "--count=20", "--batch=1", "--size=1000000", "--window=4", "--rdy=4"});
  CHECK(large.number("/consumed/messages") == 20);
  CHECK(large.number("/consumed/bytes_per_second") > 999'999 * large.number("/consumed/rate"));

  const Report fan_out = f.report({"pubsub", "--count=2000", "--channels=5", "--batch=100"});
  CHECK(fan_out.number("/published/messages") == 2000);
  CHECK(fan_out.number("/consumed/messages") == 10'000);
}

TEST_CASE("bench goes by time when there is no count, and measures after warming up",
          "[integration]") {
  Fixture f;
  const Report report = f.report({"pubsub", "--duration=300ms", "--warmup=100ms",
                                  "--pid=" + std::to_string(f.daemon.process().pid())});
  CHECK(report.number("/published/messages") > 0);
  CHECK(report.number("/consumed/messages") == report.number("/published/messages"));
  CHECK(report.number("/published/measured_messages") < report.number("/published/messages"));
  CHECK(report.number("/published/measured_seconds") > 0);
  CHECK(report.number("/broker/cpu_seconds") > 0);
  CHECK(report.number("/broker/cpu_seconds_per_million") > 0);
  CHECK(report.number("/broker/peak_memory_bytes") > 1e6);
  CHECK(report.number("/tool/cpu_seconds") > 0);
}

TEST_CASE("bench consumes a backlog until nothing more comes", "[integration]") {
  Fixture f;
  f.report({"pub", "--topic=t", "--count=500", "--batch=50"});
  const Report report = f.report({"sub", "--topic=t", "--warmup=0s", "--duration=30s"});
  CHECK(report.number("/consumed/messages") == 500);
  CHECK(report.number("/consumed/measured_seconds") < 30);
}

TEST_CASE("bench measures latency at a rate, from when a message was due", "[integration]") {
  Fixture f;
  const Report report =
      f.report({"latency", "--rate=500", "--duration=400ms", "--warmup=100ms", "--connections=1"});
  CHECK(report.number("/published/messages") == 250);
  CHECK(report.number("/consumed/messages") == 250);
  CHECK(report.number("/delivery_us/count") == 200);
  CHECK(report.number("/answer_us/count") == 200);
  CHECK(report.number("/lateness_us/count") == 200);
  CHECK(report.number("/foreign") == 0);
  const std::vector<std::string> shares{"p50", "p90", "p99", "p99.9", "max"};
  double before = 0;
  for (const std::string& share : shares) {
    const double value = report.number("/delivery_us/" + share);
    CHECK(value >= before);
    before = value;
  }
  CHECK(before > 0);
}

TEST_CASE("bench loads several daemons, each with consumers of every channel", "[integration]") {
  Fixture f;
  Fixture other;
  const Report report =
      f.report({"pubsub", "--topic=t", "--count=4000", "--batch=100", "--channels=2",
                "--nsqd-tcp-address=" + other.daemon.tcp_address()});
  CHECK(report.number("/published/messages") == 4000);
  CHECK(report.number("/consumed/messages") == 8000);
  CHECK(contains(f.depths("t"), "\"message_count\":2000"));
  CHECK(contains(other.depths("t"), "\"message_count\":2000"));
}

TEST_CASE("bench publishes over HTTP, singly and in batches", "[integration]") {
  Fixture f;
  const std::string http = "--nsqd-http-address=127.0.0.1:" + std::to_string(f.daemon.http_port());
  const Report singles = f.report({"pub", "--topic=h", "--count=300", "--connections=4", http});
  CHECK(singles.is_true("/http"));
  CHECK(singles.number("/published/messages") == 300);
  const Report batches = f.report({"pub", "--topic=h", "--count=300", "--batch=30", http});
  CHECK(batches.number("/published/messages") == 300);
  CHECK(contains(f.depths("h"), "\"message_count\":600"));
  const Report both = f.report({"pubsub", "--count=300", http});
  CHECK(both.number("/consumed/messages") == 300);
}

TEST_CASE("bench holds idle connections and says what they take", "[integration]") {
  Fixture f;
  const Report report = f.report({"idle", "--topic=i", "--consumers=50", "--duration=200ms",
                                  "--pid=" + std::to_string(f.daemon.process().pid())});
  CHECK(report.number("/idle_connections") == 50);
  CHECK(report.number("/connect_seconds") > 0);
  CHECK(report.has("/broker/bytes_per_connection"));
}

TEST_CASE("bench works through TLS and compression", "[integration]") {
  const Certificates certificates;
  const Certificates::Pair server = certificates.server();
  Fixture f({"--tls-cert=" + server.cert, "--tls-key=" + server.key});
  const std::vector<std::vector<std::string>> ways = {
      {"--tls", "--tls-root-ca-file=" + certificates.ca()},
      {"--snappy"},
      {"--deflate", "--deflate-level=1"},
      {"--tls", "--client-opt=tls_insecure_skip_verify", "--snappy"}};
  for (const auto& way : ways) {
    std::vector<std::string> arguments{"pubsub", "--count=5000", "--batch=50"};
    arguments.insert(arguments.end(), way.begin(), way.end());
    const Report report = f.report(arguments);
    CHECK(report.number("/consumed/messages") == 5000);
  }
}

TEST_CASE("bench prints a readable report without --json", "[integration]") {
  Fixture f;
  const Finished finished = f.bench({"latency", "--rate=200", "--duration=100ms", "--warmup=0s"});
  INFO(finished.errors);
  CHECK(finished.status == 0);
  CHECK(contains(finished.output, "latency: 200 bytes, one by one"));
  CHECK(contains(finished.output, "delivered after    p50 "));
  CHECK(contains(finished.output, "  p99.9 "));
  CHECK(contains(finished.output, "the tool was late"));
}

TEST_CASE("bench refuses what makes no sense, with status 2", "[integration]") {
  const auto refused = [](std::vector<std::string> arguments, const std::string& why) {
    arguments.insert(arguments.begin(), "bench");
    const Finished finished = run_binary(std::move(arguments));
    INFO(finished.errors);
    CHECK(finished.status == 2);
    CHECK(finished.output.empty());
    CHECK(contains(finished.errors, why));
  };
  refused({}, "nothing to measure is named");
  refused({"--size=3"}, "nothing to measure is named");
  refused({"everything"}, "'everything' is nothing to measure");
  refused({"pub", "--speed=3"}, "flag provided but not defined: -speed");
  refused({"pub", "--size=many"}, "invalid value");
  refused({"pub", "--size=0"}, "--size must be from 1");
  refused({"pub", "stray"}, "ignoring arguments: stray");
  refused({"sub"}, "--topic is missing");
  refused({"sub", "--topic=t", "--rate=1"}, "--rate is for publishing");
  refused({"pub", "--client-opt=colour,red"}, "colour");
  CHECK(run_binary({"bench", "--help"}).status == 0);
  CHECK(contains(run_binary({"bench", "pub", "--help"}).errors, "nsq bench latency --rate=20000"));
}

TEST_CASE("bench says when there is no daemon, or none that speaks NSQ", "[integration]") {
  const Finished nobody =
      run_binary({"bench", "pub", "--count=1", "--nsqd-tcp-address=127.0.0.1:1"});
  CHECK(nobody.status == 1);
  CHECK(contains(nobody.errors, "nsq bench: 127.0.0.1:1: "));
  CHECK(contains(nobody.errors, "connection refused"));

  Fixture f;
  const std::string http = "127.0.0.1:" + std::to_string(f.daemon.http_port());
  const Finished wrong = run_binary({"bench", "pub", "--count=1", "--nsqd-tcp-address=" + http});
  CHECK(wrong.status == 1);
  CHECK(contains(wrong.errors, http));
}

TEST_CASE("bench passes on what the daemon refuses", "[integration]") {
  Fixture f({"--max-msg-size=100"});
  const Finished tcp = f.bench({"pub", "--count=1000", "--json"});
  CHECK(tcp.status == 1);
  CHECK(contains(tcp.errors, "the daemon answered E_BAD_MESSAGE"));
  const Report report(tcp.output);
  CHECK_FALSE(report.is_true("/complete"));
  CHECK(contains(report.text("/error"), "E_BAD_MESSAGE"));

  const Finished http =
      f.bench({"pub", "--count=10",
               "--nsqd-http-address=127.0.0.1:" + std::to_string(f.daemon.http_port())});
  CHECK(http.status == 1);
  CHECK(contains(http.errors, "the daemon answered 413"));
}

TEST_CASE("bench ends with an error when the daemon is killed in the middle", "[integration]") {
  const auto mode = GENERATE(as<std::string>{}, "pub", "pubsub", "latency", "idle");
  Fixture f;
  TemporaryDirectory files;
  Process bench({binary(), "bench", mode, "--topic=t", "--duration=60s", "--json",
                 "--nsqd-tcp-address=" + f.daemon.tcp_address()},
                files.path());
  // Until it is under way.
  bool is_under_way = false;
  for (int i = 0; i < 2000 && !is_under_way; ++i) {
    const std::string stats = f.depths("t");
    is_under_way = contains(stats, "\"topic_name\":\"t\"");
    std::this_thread::sleep_for(5ms);
  }
  REQUIRE(is_under_way);
  f.daemon.kill();
  CHECK(bench.wait() == 1);
  CHECK(contains(bench.errors(), "nsq bench: " + f.daemon.tcp_address() + ": "));
  const Report report(bench.output());
  CHECK_FALSE(report.is_true("/complete"));
}

TEST_CASE("bench gives up on a daemon that no longer does anything", "[integration]") {
  Fixture f;
  const Finished finished =
      f.bench({"sub", "--topic=empty", "--count=10", "--patience=200ms", "--json"});
  CHECK(finished.status == 1);
  CHECK(contains(finished.errors, "nothing has happened for 0.2 s"));
  CHECK(Report(finished.output).number("/consumed/messages") == 0);
}

TEST_CASE("bench reports what there is when it is interrupted", "[integration]") {
  Fixture f;
  TemporaryDirectory files;
  Process bench({binary(), "bench", "pub", "--topic=t", "--duration=60s", "--json",
                 "--nsqd-tcp-address=" + f.daemon.tcp_address()},
                files.path());
  for (int i = 0; i < 2000 && !contains(f.depths("t"), "\"topic_name\":\"t\""); ++i) {
    std::this_thread::sleep_for(5ms);
  }
  bench.signal(SIGINT);
  CHECK(bench.wait() == 1);
  const Report report(bench.output());
  CHECK(report.text("/error") == "interrupted");
  CHECK(report.has("/published"));
}
