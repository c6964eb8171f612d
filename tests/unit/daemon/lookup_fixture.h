#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "broker/broker.h"
#include "daemon/lookup_peers.h"
#include "daemon/options.h"
#include "daemon/storage_threads.h"
#include "support/catch.h"
#include "support/memory_file_system.h"
#include "support/quiet_log.h"

namespace nsq::daemon::test {

// Looks until it is so, for as long as a busy machine may need.
inline bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

// A broker whose disk is memory, and the lookupds it reports to.
class LookupFixture {
 public:
  LookupFixture() {
    options.broadcast_address = "node.example";
    options.broadcast_tcp_port = 4150;
    options.broadcast_http_port = 4151;
    REQUIRE(files.create_directory("data"));
    broker = std::make_unique<broker::Broker>(
        broker::Options{}, "data", "1.4.0", files, work, [](Instant) {}, 1);
    REQUIRE(broker->load(Moment::now()));
  }
  ~LookupFixture() {
    if (peers) peers->stop();
    broker->set_observer(nullptr);
    peers.reset();
    work.finish();
  }

  void report_to(std::vector<std::string> addresses) {
    options.nsqlookupd_tcp_addresses = std::move(addresses);
    peers = std::make_unique<LookupPeers>(*broker, options, timings);
    broker->set_observer(peers.get());
    peers->start();
  }

  void create_topic(std::string_view name) { broker->topic(name, Moment::now()); }
  void create_channel(std::string_view topic, std::string_view channel) {
    create_topic(topic);
    broker->create_channel(topic, channel, Moment::now(), [](const Result<void>&) {});
  }
  void delete_topic(std::string_view topic) {
    broker->delete_topic(topic, Moment::now(), [](const Result<void>&) {});
  }
  void delete_channel(std::string_view topic, std::string_view channel) {
    broker->delete_channel(topic, channel, Moment::now(), [](const Result<void>&) {});
  }
  // False if it was not acknowledged at once.
  bool publish(std::string_view topic, std::string_view body) {
    const broker::Publication publication{{&body, 1}};
    const Moment now = Moment::now();
    const auto outcome = broker->topic(topic, now)->publish({&publication, 1}, now, nullptr);
    return outcome && outcome->ok();
  }
  // Messages waiting: at the topic, or in one of its channels; -1 if there is none.
  std::int64_t depth(std::string_view topic, std::string_view channel = "") {
    broker::StatsFilter filter;
    filter.topic = topic;
    for (const auto& stats : broker->stats(filter, Moment::now())) {
      if (channel.empty()) return static_cast<std::int64_t>(stats.depth);
      for (const auto& each : stats.channels) {
        if (each.name == channel) return static_cast<std::int64_t>(each.depth);
      }
    }
    return -1;
  }

  const nsq::test::QuietLog quiet;
  Options options;
  // Shorter than in life, except where a test says so.
  LookupTimings timings{.answer_limit = std::chrono::seconds(10),
                        .first_retry = std::chrono::milliseconds(5),
                        .last_retry = std::chrono::milliseconds(20)};
  nsq::test::MemoryFileSystem files;
  StorageThreads work;
  std::unique_ptr<broker::Broker> broker;
  std::unique_ptr<LookupPeers> peers;
};

}  // namespace nsq::daemon::test
