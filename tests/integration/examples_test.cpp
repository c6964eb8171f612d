// Each program of examples/ against a real daemon.
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <functional>
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

using Lines = std::vector<std::string>;

bool eventually(const std::function<bool()>& condition) {
  for (int i = 0; i < 2000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(5ms);
  }
  return false;
}

Lines sorted_lines(const std::string& text) {
  std::istringstream stream(text);
  Lines lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  std::sort(lines.begin(), lines.end());
  return lines;
}

struct Fixture {
  TemporaryDirectory data;
  TemporaryDirectory files;
  Daemon daemon{data.path()};

  static std::string example(const std::string& name) {
    return std::string(NSQ_EXAMPLES_DIRECTORY) + "/example_" + name;
  }
  Process run(const std::string& name, const Lines& arguments, const std::string& input = "") {
    Lines command{example(name)};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return {command, files.path(), input};
  }
  void publish(const std::string& topic, const std::string& lines) {
    HttpClient http("127.0.0.1", daemon.http_port());
    REQUIRE(http.post("/mpub?topic=" + topic, lines).body == "OK");
  }
  // Ends with the signal that ends it in order.
  static void stop(Process& process) {
    process.signal(SIGTERM);
    CHECK(process.wait() == 0);
  }
  // What is in a topic, as lines.
  Lines read(const std::string& topic, int count) {
    return sorted_lines(
        run_binary({"tail", "--topic=" + topic, "--channel=test", "-n", std::to_string(count),
                    "--nsqd-tcp-address=" + daemon.tcp_address()})
            .output);
  }
};

}  // namespace

TEST_CASE("the producer's lines reach the consumer", "[examples]") {
  Fixture fixture;
  Process producer =
      fixture.run("producer", {fixture.daemon.tcp_address(), "greetings"}, "one\ntwo\n");
  CHECK(producer.wait() == 0);
  Process consumer = fixture.run("consumer", {fixture.daemon.tcp_address(), "greetings"});
  CHECK(eventually([&] { return sorted_lines(consumer.output()) == Lines{"one", "two"}; }));
  Fixture::stop(consumer);
}

TEST_CASE("the pipeline counts visits per minute", "[examples]") {
  Fixture fixture;
  Process pipeline = fixture.run("pipeline", {fixture.daemon.tcp_address()});
  fixture.publish("visits",
                  "1700000040 /shop/shoes\n1700000041 /shop/hats\n1700000050 /news\nnonsense\n");
  // Wait until the first minute is counted, then begin the second.
  CHECK(eventually([&] {
    HttpClient http("127.0.0.1", fixture.daemon.http_port());
    return http.get("/stats?format=json&topic=visits_enriched")
               .body.find("\"in_flight_count\":3") != std::string::npos;
  }));
  fixture.publish("visits", "1700000101 /news/today\n");
  CHECK(fixture.read("visits_per_minute", 2) == Lines{"1700000040 news 1", "1700000040 shop 2"});
  Fixture::stop(pipeline);  // flushes the second
  CHECK(fixture.read("visits_per_minute", 1) == Lines{"1700000100 news 1"});
}

TEST_CASE("tasks of high priority go first", "[examples]") {
  Fixture fixture;
  fixture.publish("tasks_high", "h1\nh2\nh3\n");
  fixture.publish("tasks_low", "l1\n");
  Process worker = fixture.run("priorities", {fixture.daemon.tcp_address()});
  CHECK(eventually([&] { return sorted_lines(worker.output()).size() == 4; }));
  CHECK(sorted_lines(worker.output()) ==
        Lines{"tasks_high: h1", "tasks_high: h2", "tasks_high: h3", "tasks_low: l1"});
  Fixture::stop(worker);
}

TEST_CASE("publishing goes on with the standby when the primary is gone", "[examples]") {
  Fixture fixture;
  Process failover =
      fixture.run("failover", {"t", "127.0.0.1:1", fixture.daemon.tcp_address()}, "one\ntwo\n");
  CHECK(failover.wait() == 0);
  CHECK(failover.output() == "stored: one\nstored: two\n");
  CHECK(fixture.read("t", 2) == Lines{"one", "two"});
}

TEST_CASE("an order that keeps failing ends among the dead letters", "[examples]") {
  Fixture fixture;
  Process billing = fixture.run("dead_letter", {fixture.daemon.tcp_address(), "orders"});
  fixture.publish("orders", "shoes\nimpossible hats\n");
  const Lines letter = fixture.read("orders_failed", 1);
  REQUIRE(letter.size() == 2);
  CHECK(letter[0] == "impossible hats");
  CHECK(letter[1].find("\"attempts\":4,\"bytes\":15") != std::string::npos);
  CHECK(billing.output() == "billed: shoes\n");
  Fixture::stop(billing);
}

TEST_CASE("a message that comes again is recognized by its id", "[examples]") {
  Fixture fixture;
  Process payments = fixture.run("dedup", {fixture.daemon.tcp_address(), "payments"});
  fixture.publish("payments", "unlucky\n");
  CHECK(eventually([&] { return payments.output() == "paid: unlucky\nagain: unlucky\n"; }));
  Fixture::stop(payments);
}
