#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "integration/crash/ledger.h"
#include "support/http_client.h"
#include "support/wire_client.h"

// What clients do to a daemon that may be killed any moment. Each of these runs until the
// connection breaks, or it has done its share.
namespace nsq::crash {

// Where the daemon listens at present.
struct Ports {
  std::uint16_t tcp = 0;
  std::uint16_t http = 0;
};

// How one publisher goes about it.
struct PublishStyle {
  Number batch = 1;        // messages of a command; over 1 by MPUB
  std::size_t window = 1;  // commands sent ahead of the answers
  int delay_ms = 0;        // over 0 by DPUB
  Number most = 1000;      // messages, then it is done
};
void publish(Ledger& ledger, Ports ports, PublishStyle style);
void publish_over_http(Ledger& ledger, Ports ports, Number most);

// Takes messages of a channel: finishes most, requeues some with and without delay, touches some,
// keeps some until they time out; leaves now and then and comes back.
void consume(Ledger& ledger, Ports ports, const std::string& channel, std::uint64_t seed,
             const std::atomic<bool>& stop);
// Finishes all there is, for so long, or until nothing is owed any more.
void consume_all(Ledger& ledger, Ports ports, const std::string& channel, Milliseconds most,
                 const std::atomic<bool>& stop);

// Administration beside the load, and what must be so after the next start because the daemon said
// that it is.
class Administrator {
 public:
  Administrator(Ledger& orders, Ledger& events, std::uint64_t seed)
      : orders_(orders), events_(events), random_(seed) {}

  // Pauses and unpauses, makes and deletes topics and channels.
  void run(Ports ports, const std::atomic<bool>& stop);
  // Compares what the daemon has with what was acknowledged; what was under way at a kill is taken
  // as it is.
  void check(Ports ports);
  // Unpauses everything, and removes what was made aside.
  void settle(Ports ports);

 private:
  enum class Known { No, Yes, Either };
  void post(test::HttpClient& client, const std::string& target, Known& fact, Known becomes);
  void toggle_pause(test::HttpClient& client, const std::string& what, const std::string& query);
  void make_or_delete_late_channel(test::HttpClient& client, Ports ports);
  void make_or_delete_topic(test::HttpClient& client);

  Ledger& orders_;
  Ledger& events_;
  std::mt19937_64 random_;
  std::map<std::string, Known> paused_;  // "channel?topic=...", "topic?topic=..."
  std::map<std::string, Known> topics_;  // those aside, by name
  Known late_ = Known::No;
  bool late_owed_ = false;
};

// A thread whose connection may break; anything else that goes wrong is a violation.
class Worker {
 public:
  Worker(Ledger& ledger, std::function<void()> work);
  ~Worker() { thread_.join(); }

 private:
  std::thread thread_;
};

}  // namespace nsq::crash
