#include <unistd.h>

#include "support/catch.h"
#include "utilities/bench.h"

using namespace nsq::utilities;
using namespace std::chrono_literals;

namespace {

BenchOptions chosen(BenchOptions options) {
  choose_bench_defaults(options);
  return options;
}

std::string mistake(BenchOptions options) {
  choose_bench_defaults(options);
  return find_bench_mistake(options).value_or("");
}

BenchOptions in_mode(BenchMode mode) {
  BenchOptions options;
  options.mode = mode;
  return options;
}

}  // namespace

TEST_CASE("every mode of bench has a word", "[utilities]") {
  for (const BenchMode mode :
       {BenchMode::Pub, BenchMode::Sub, BenchMode::PubSub, BenchMode::Latency, BenchMode::Idle}) {
    CHECK(parse_bench_mode(to_string(mode)) == mode);
  }
  CHECK_FALSE(parse_bench_mode("both"));
  CHECK_FALSE(parse_bench_mode(""));
}

TEST_CASE("bench chooses what is not said by what is", "[utilities]") {
  const BenchOptions pub = chosen(in_mode(BenchMode::Pub));
  CHECK(pub.batch == 200);
  CHECK(pub.window == 8);
  CHECK(pub.publishers == 2);
  CHECK(pub.nsqd_tcp_address == std::vector<std::string>{"127.0.0.1:4150"});
  CHECK_FALSE(pub.topic.empty());
  CHECK(find_bench_mistake(pub) == std::nullopt);

  BenchOptions singles = in_mode(BenchMode::PubSub);
  singles.batch = 1;
  CHECK(chosen(singles).window == 100);

  const BenchOptions latency = chosen(in_mode(BenchMode::Latency));
  CHECK(latency.rate == 1000);
  CHECK(latency.batch == 1);
  CHECK(latency.window == 1000);
  CHECK(latency.threads == 1);

  BenchOptions fast = in_mode(BenchMode::Latency);
  fast.rate = 1'000'000;
  CHECK(chosen(fast).threads == chosen(in_mode(BenchMode::Pub)).threads);

  BenchOptions http = in_mode(BenchMode::Pub);
  http.nsqd_http_address = {"127.0.0.1:1"};
  CHECK(chosen(http).batch == 1);
  CHECK(chosen(http).window == 1);

  BenchOptions large = in_mode(BenchMode::Pub);
  large.size = 1 << 20;
  large.batch = 4;
  CHECK(chosen(large).window == 4);  // 16 MB
  large.batch = 100;
  CHECK(chosen(large).window == 1);

  BenchOptions counted = in_mode(BenchMode::Pub);
  counted.count = 10;
  CHECK(chosen(counted).warmup == 0s);

  BenchOptions fan_out = in_mode(BenchMode::PubSub);
  fan_out.channels = 5;
  CHECK(chosen(fan_out).consumers == 5);
}

TEST_CASE("bench names what is wrong with its options", "[utilities]") {
  CHECK(mistake(in_mode(BenchMode::Pub)).empty());
  CHECK(mistake(in_mode(BenchMode::Latency)).empty());
  CHECK(mistake(in_mode(BenchMode::Idle)).empty());
  CHECK(mistake(in_mode(BenchMode::Sub)).find("--topic is missing") == 0);

  const auto with = [](auto change, BenchMode mode = BenchMode::PubSub) {
    BenchOptions options = in_mode(mode);
    change(options);
    return mistake(options);
  };
  CHECK(with([](BenchOptions& o) { o.size = 0; }).find("--size must be from 1 to") == 0);
  CHECK(with([](BenchOptions& o) { o.batch = -1; }).find("--batch must be") == 0);
  CHECK(with([](BenchOptions& o) { o.connections = -1; }).find("--connections must be") == 0);
  CHECK(with([](BenchOptions& o) { o.channels = 0; }).find("--channels must be from 1") == 0);
  CHECK(with([](BenchOptions& o) {
          o.channels = 3, o.consumers = 2;
        }).find("--consumers must be at least 3") == 0);
  CHECK(with([](BenchOptions& o) {
          o.nsqd_tcp_address = {"a:1", "b:1"}, o.channels = 2, o.consumers = 3;
        }).find("--consumers must be at least 4") == 0);
  CHECK(with([](BenchOptions& o) { o.threads = -1; }).find("--threads must be") == 0);
  CHECK(with([](BenchOptions& o) { o.rdy = 0; }).find("--rdy must be") == 0);
  CHECK(with([](BenchOptions& o) { o.rate = -1; }).find("--rate must be") == 0);
  CHECK(with([](BenchOptions& o) { o.awake = 2s; }).find("--awake in ns must be") == 0);
  CHECK(with([](BenchOptions& o) { o.duration = 0s; }).find("--duration in ns must be") == 0);
  CHECK(with([](BenchOptions& o) { o.size = 100'000'000, o.batch = 4; }).find("--batch times") ==
        0);
  CHECK(with([](BenchOptions& o) { o.topic = "no good"; }) == "--topic is no valid name");
  CHECK(with([](BenchOptions& o) { o.channel = "no/good"; }) == "--channel is no valid name");
  CHECK(with([](BenchOptions& o) { o.rate = 5, o.size = 15; }).find("--size must be at least 16") ==
        0);
  CHECK(with([](BenchOptions& o) { o.rate = 5, o.size = 1; }, BenchMode::Pub).empty());
  CHECK(with([](BenchOptions& o) { o.rate = 5, o.topic = "t"; }, BenchMode::Sub) ==
        "--rate is for publishing");
  CHECK(with([](BenchOptions& o) { o.nsqd_http_address = {"h:1"}; }, BenchMode::Idle) ==
        "--nsqd-http-address is for publishing");
  CHECK(with([](BenchOptions& o) {
          o.nsqd_http_address = {"h:1"}, o.window = 2;
        }).find("--window must be 1 over HTTP") == 0);
  CHECK(with([](BenchOptions& o) { o.client.deflate_level = 11; }).find("deflate_level") !=
        std::string::npos);
  CHECK(with([](BenchOptions& o) { o.pid = INT32_MAX; }).find("--pid=2147483647: there is no") ==
        0);
  CHECK(with([](BenchOptions& o) { o.pid = ::getpid(); }).empty());
}
