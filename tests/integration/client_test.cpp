// The client library against the real binary: what travels in layers, networks that fail,
// discovery.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "integration/process.h"
#include "nsq/nsq.h"
#include "support/catch.h"
#include "support/certificates.h"
#include "support/cutting_proxy.h"

using namespace nsq;
using namespace nsq::test;
using namespace std::chrono_literals;

namespace {

// Bodies that have arrived, counted once each.
class Arrivals {
 public:
  void add(std::string_view body) {
    const std::lock_guard lock(mutex_);
    bodies_.emplace(body);
    changed_.notify_all();
  }
  bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 30s, [&] { return bodies_.size() >= count; });
  }
  bool contain(const std::string& body) {
    const std::lock_guard lock(mutex_);
    return bodies_.contains(body);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::string> bodies_;
};

Config quick_config() {
  Config config;
  config.max_in_flight = 200;
  config.reconnect_delay = 20ms;
  config.lookupd_poll_interval = 200ms;
  config.write_timeout = 1s;
  return config;
}

Consumer make_consumer(Arrivals& arrivals, const Config& config) {
  ConsumerOptions options;
  options.topic = "t";
  options.channel = "c";
  options.config = config;
  options.logging.sink = [](LogLevel, std::string_view) {};
  options.handler = [&](Message& message) { arrivals.add(message.body()); };
  auto made = Consumer::create(std::move(options));
  REQUIRE(made);
  return std::move(*made);
}

Producer make_producer(const std::string& address, const Config& config) {
  ProducerOptions options;
  options.addresses = {address};
  options.config = config;
  options.logging.sink = [](LogLevel, std::string_view) {};
  auto made = Producer::create(std::move(options));
  REQUIRE(made);
  return std::move(*made);
}

// Publishes small and large messages and gets them back.
void there_and_back(const Daemon& daemon, const Config& config) {
  Producer producer = make_producer(daemon.tcp_address(), config);
  std::vector<std::string> bodies;
  for (int i = 0; i < 2000; ++i) bodies.push_back("message " + std::to_string(i));
  const auto stored = producer.multi_publish("t", bodies);
  if (!stored) FAIL(stored.error().to_string());
  std::string large = "large";
  for (std::uint32_t i = 1; large.size() < 900'000; i = i * 1664525 + 1013904223) {
    large += static_cast<char>(i >> 24);
  }
  REQUIRE(producer.publish("t", large));
  Arrivals arrivals;
  Consumer consumer = make_consumer(arrivals, config);
  REQUIRE(consumer.connect_to_nsqd(daemon.tcp_address()));
  CHECK(arrivals.wait_for(2001));
  CHECK(arrivals.contain(large));
  consumer.stop();
  CHECK(consumer.wait_for(10s));
  CHECK(consumer.stats().messages_finished == 2001);
}

}  // namespace

TEST_CASE("messages travel plain, compressed, and either within TLS", "[client]") {
  const Certificates certificates;
  const TemporaryDirectory data;
  Daemon daemon(data.path(), {"--tls-cert=" + certificates.server().cert,
                              "--tls-key=" + certificates.server().key});
  Config config = quick_config();
  const int compression = GENERATE(0, 1, 2);
  config.tls_v1 = GENERATE(false, true);
  config.tls_root_ca_file = config.tls_v1 ? certificates.ca() : "";
  config.snappy = compression == 1;
  config.deflate = compression == 2;
  CAPTURE(config.tls_v1, config.snappy, config.deflate);
  there_and_back(daemon, config);
}

TEST_CASE("a daemon whose certificate is not vouched for is not talked to", "[client]") {
  const Certificates certificates;
  const TemporaryDirectory data;
  Daemon daemon(data.path(), {"--tls-cert=" + certificates.stranger().cert,
                              "--tls-key=" + certificates.stranger().key});
  Config config = quick_config();
  config.tls_v1 = true;
  config.tls_root_ca_file = certificates.ca();
  const auto refused = make_producer(daemon.tcp_address(), config).publish("t", "secret");
  REQUIRE(!refused);
  CHECK(refused.error() == ClientErrc::NotSent);
  config.tls_insecure_skip_verify = true;
  CHECK(make_producer(daemon.tcp_address(), config).publish("t", "not so secret"));
}

TEST_CASE("every stored message arrives through a network that fails", "[client]") {
  const TemporaryDirectory data;
  Daemon daemon(data.path(), {"--msg-timeout=1s"});
  CuttingProxy network(daemon.tcp_port());
  Config config = quick_config();
  config.read_timeout = 1500ms;
  config.heartbeat_interval = 1s;  // no daemon takes less
  config.max_attempts = 0;
  config.publish_timeout = 500ms;
  Arrivals arrivals;
  Consumer consumer = make_consumer(arrivals, config);
  REQUIRE(consumer.connect_to_nsqd(network.address()));
  Producer producer = make_producer(network.address(), config);
  using State = CuttingProxy::State;
  std::set<std::string> stored;
  int number = 0;
  for (const State trouble : {State::Cut, State::Stalled, State::SwallowsBack}) {
    for (int i = 0; i < 50; ++i) {
      const std::string body = std::to_string(++number);
      if (producer.publish("t", body)) stored.insert(body);
    }
    network.set(trouble);
    const std::string lost = "in trouble " + std::to_string(++number);
    const auto result = producer.publish("t", lost);
    CHECK(!result);  // and it is known whether that is certain
    if (!result) {
      const bool is_known =
          result.error() == ClientErrc::NotSent || result.error() == ClientErrc::OutcomeUnknown;
      CHECK(is_known);
    }
    network.set(State::Open);
    // Until the producer tries again.
    for (int i = 0; i < 500 && !producer.publish("t", "again"); ++i) {
      std::this_thread::sleep_for(10ms);
    }
  }
  CHECK(stored.size() == 150);
  CHECK(arrivals.wait_for(stored.size() + 1));
  for (const std::string& body : stored) {
    for (int i = 0; i < 1000 && !arrivals.contain(body); ++i) std::this_thread::sleep_for(10ms);
    CHECK(arrivals.contain(body));
  }
}

TEST_CASE("the daemons of a topic are found through a lookupd, also when they come later",
          "[client]") {
  Lookupd lookupd;
  const std::string registered =
      "--lookupd-tcp-address=127.0.0.1:" + std::to_string(lookupd.tcp_port());
  const TemporaryDirectory first_data;
  const TemporaryDirectory second_data;
  Daemon first(first_data.path(), {registered});
  Arrivals arrivals;
  Consumer consumer = make_consumer(arrivals, quick_config());
  REQUIRE(make_producer(first.tcp_address(), quick_config()).publish("t", "from the first"));
  REQUIRE(consumer.connect_to_lookupd("127.0.0.1:" + std::to_string(lookupd.http_port())));
  CHECK(arrivals.wait_for(1));
  Daemon second(second_data.path(), {registered});
  REQUIRE(make_producer(second.tcp_address(), quick_config()).publish("t", "from the second"));
  CHECK(arrivals.wait_for(2));
  CHECK(consumer.stats().connections == 2);
}
