// A cluster of three daemons and two lookupds, of which one after the other is killed and started
// again while messages are published. Consumers that know only the lookupds must get every message
// that was acknowledged.

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "integration/process.h"
#include "nsq/consumer.h"
#include "support/catch.h"
#include "support/http_client.h"
#include "support/tcp.h"

using namespace nsq::test;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

constexpr int kMessagesPerStep = 150;  // acknowledged by each daemon between two events

bool eventually(const std::function<bool()>& condition, Clock::duration limit = 60s) {
  const auto deadline = Clock::now() + limit;
  while (!condition()) {
    if (Clock::now() > deadline) return false;
    std::this_thread::sleep_for(10ms);
  }
  return true;
}

// A server of the cluster that comes back where it was. What of its port somebody else may have
// taken meanwhile is given up soon, for it was only for a connection.
template <typename Server>
std::unique_ptr<Server> start(const std::function<std::unique_ptr<Server>()>& attempt) {
  for (const auto deadline = Clock::now() + 60s;;) {
    try {
      return attempt();
    } catch (const std::runtime_error&) {
      if (Clock::now() > deadline) throw;
    }
  }
}

class Cluster {
 public:
  Cluster() {
    for (int i = 0; i < 2; ++i) lookupds_.push_back(std::make_unique<Lookupd>());
    for (int i = 0; i < 3; ++i) {
      directories_.push_back(std::make_unique<TemporaryDirectory>());
      daemons_.push_back(std::make_unique<Daemon>(directories_.back()->path(), addresses()));
    }
    for (const auto& daemon : daemons_) {
      ports_.push_back({daemon->tcp_port(), daemon->http_port()});
    }
  }

  void kill_and_restart_daemon(std::size_t number, const std::function<void()>& meanwhile) {
    daemons_[number]->kill();
    meanwhile();
    std::vector<std::string> flags = addresses();
    flags.push_back(fmt::format("--tcp-address=127.0.0.1:{}", ports_[number].tcp));
    flags.push_back(fmt::format("--http-address=127.0.0.1:{}", ports_[number].http));
    daemons_[number] = start<Daemon>(
        [&] { return std::make_unique<Daemon>(directories_[number]->path(), flags); });
  }
  void kill_and_restart_lookupd(std::size_t number, const std::function<void()>& meanwhile) {
    const Lookupd& old = *lookupds_[number];
    const std::vector<std::string> flags{
        fmt::format("--tcp-address=127.0.0.1:{}", old.tcp_port()),
        fmt::format("--http-address=127.0.0.1:{}", old.http_port())};
    lookupds_[number]->kill();
    meanwhile();
    lookupds_[number] = start<Lookupd>([&] { return std::make_unique<Lookupd>(flags); });
  }

  std::size_t daemon_count() const { return daemons_.size(); }
  std::size_t lookupd_count() const { return lookupds_.size(); }
  std::uint16_t http_port(std::size_t daemon) const { return ports_[daemon].http; }
  std::vector<std::string> lookupd_http_addresses() const {
    std::vector<std::string> addresses;
    for (const auto& each : lookupds_) {
      addresses.push_back(fmt::format("127.0.0.1:{}", each->http_port()));
    }
    return addresses;
  }
  // What a lookupd answers; empty while it is not there.
  std::string ask(std::size_t lookupd, const std::string& target) const {
    try {
      return HttpClient("127.0.0.1", lookupds_[lookupd]->http_port()).get(target).body;
    } catch (const ConnectionLost&) {
      return "";
    }
  }
  bool everybody_is_listed(const std::string& topic) const {
    for (std::size_t i = 0; i < lookupds_.size(); ++i) {
      const std::string answer = ask(i, "/lookup?topic=" + topic);
      for (const auto& ports : ports_) {
        const std::string port = fmt::format("\"tcp_port\":{},", ports.tcp);
        if (answer.find(port) == std::string::npos) return false;
      }
    }
    return true;
  }

 private:
  struct Ports {
    std::uint16_t tcp, http;
  };
  std::vector<std::string> addresses() const {
    std::vector<std::string> flags;
    for (const auto& each : lookupds_) {
      flags.push_back(fmt::format("--lookupd-tcp-address=127.0.0.1:{}", each->tcp_port()));
    }
    return flags;
  }

  std::vector<std::unique_ptr<TemporaryDirectory>> directories_;
  std::vector<std::unique_ptr<Lookupd>> lookupds_;
  std::vector<std::unique_ptr<Daemon>> daemons_;
  std::vector<Ports> ports_;
};

// What was acknowledged and what came out. Shared by all threads.
class Ledger {
 public:
  void acknowledge(const std::string& body) {
    const std::scoped_lock lock(mutex_);
    acknowledged_.insert(body);
  }
  void receive(const std::string& body) {
    const std::scoped_lock lock(mutex_);
    received_.insert(body);
  }
  std::size_t missing() const {
    const std::scoped_lock lock(mutex_);
    std::size_t count = 0;
    for (const std::string& body : acknowledged_) count += received_.contains(body) ? 0 : 1;
    return count;
  }
  std::size_t acknowledged() const {
    const std::scoped_lock lock(mutex_);
    return acknowledged_.size();
  }

 private:
  mutable std::mutex mutex_;
  std::set<std::string> acknowledged_;
  std::set<std::string> received_;
};

// Publishes to one daemon until it is told to stop, and gets over its absence.
class Publisher {
 public:
  Publisher(std::uint16_t http_port, Ledger& ledger, int number)
      : thread_([this, http_port, &ledger, number] { run(http_port, ledger, number); }) {}
  ~Publisher() { stop(); }
  Publisher(const Publisher&) = delete;

  void stop() {
    is_ending_ = true;
    if (thread_.joinable()) thread_.join();
  }
  int acknowledged() const { return acknowledged_; }

 private:
  void run(std::uint16_t http_port, Ledger& ledger, int number) {
    std::unique_ptr<HttpClient> client;
    for (int sent = 0; !is_ending_; ++sent) {
      const std::string body = fmt::format("{}-{}", number, sent);
      try {
        if (!client) client = std::make_unique<HttpClient>("127.0.0.1", http_port);
        if (client->post("/pub?topic=cluster", body).status != 200) continue;
        ledger.acknowledge(body);
        ++acknowledged_;
      } catch (const ConnectionLost&) {
        client.reset();
      }
      std::this_thread::sleep_for(1ms);
    }
  }

  std::atomic<bool> is_ending_{false};
  std::atomic<int> acknowledged_{0};
  std::thread thread_;
};

nsq::Consumer consume(const Cluster& cluster, Ledger& ledger) {
  nsq::Config config;
  config.lookupd_poll_interval = 100ms;
  config.max_in_flight = 50;
  auto consumer = nsq::Consumer::create(
      "cluster", "all",
      [&ledger](nsq::Message& message) { ledger.receive(std::string(message.body())); }, config);
  REQUIRE(consumer);
  REQUIRE(consumer->connect_to_lookupds(cluster.lookupd_http_addresses()));
  return std::move(*consumer);
}

}  // namespace

TEST_CASE("every acknowledged message comes out though each server is killed in turn",
          "[cluster]") {
  Cluster cluster;
  Ledger ledger;
  std::vector<nsq::Consumer> consumers;
  for (int i = 0; i < 2; ++i) consumers.push_back(consume(cluster, ledger));
  std::vector<std::unique_ptr<Publisher>> publishers;
  for (std::size_t i = 0; i < cluster.daemon_count(); ++i) {
    publishers.push_back(
        std::make_unique<Publisher>(cluster.http_port(i), ledger, static_cast<int>(i)));
  }
  // Lets all publishers but one, which may have nobody to publish to, get on.
  const auto progress = [&](std::size_t without) {
    for (std::size_t i = 0; i < publishers.size(); ++i) {
      const int goal = publishers[i]->acknowledged() + kMessagesPerStep;
      if (i == without) continue;
      REQUIRE(eventually([&] { return publishers[i]->acknowledged() >= goal; }));
    }
  };
  constexpr std::size_t kNone = ~std::size_t{0};

  progress(kNone);
  REQUIRE(eventually([&] { return cluster.everybody_is_listed("cluster"); }));
  for (std::size_t i = 0; i < cluster.daemon_count(); ++i) {
    cluster.kill_and_restart_daemon(i, [&] { progress(i); });
    progress(kNone);
    if (i >= cluster.lookupd_count()) continue;
    cluster.kill_and_restart_lookupd(i, [&] { progress(kNone); });
    progress(kNone);
  }
  for (const auto& publisher : publishers) publisher->stop();

  CHECK(eventually([&] { return ledger.missing() == 0; }));
  INFO(ledger.acknowledged() << " acknowledged");
  CHECK(ledger.missing() == 0);
  CHECK(eventually([&] { return cluster.everybody_is_listed("cluster"); }));
  for (nsq::Consumer& consumer : consumers) consumer.stop();
}

TEST_CASE("a channel known anywhere gets the first message published elsewhere", "[cluster]") {
  Cluster cluster;
  HttpClient first("127.0.0.1", cluster.http_port(0));
  HttpClient second("127.0.0.1", cluster.http_port(1));
  REQUIRE(first.post("/topic/create?topic=orders", "").status == 200);
  REQUIRE(first.post("/channel/create?topic=orders&channel=billing", "").status == 200);
  REQUIRE(eventually([&] {
    return cluster.ask(0, "/channels?topic=orders") == R"({"channels":["billing"]})" &&
           cluster.ask(1, "/channels?topic=orders") == R"({"channels":["billing"]})";
  }));
  // The second daemon has to be known to the lookupds by now, and they to it.
  REQUIRE(eventually([&] {
    const std::string nodes = cluster.ask(0, "/nodes");
    std::size_t count = 0;
    for (auto at = nodes.find("tombstones"); at != std::string::npos;
         at = nodes.find("tombstones", at + 1)) {
      ++count;
    }
    return count == cluster.daemon_count();
  }));
  REQUIRE(second.post("/pub?topic=orders", "the first").body == "OK");
  CHECK(eventually([&] {
    return second.get("/stats?format=json&topic=orders")
               .body.find(R"("channel_name":"billing","depth":1,)") != std::string::npos;
  }));
}
