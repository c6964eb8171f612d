// kill -9 under load: whatever a daemon acknowledged before it was killed is there afterwards.
//
// Publishers of every kind write numbered messages and note which were acknowledged; a consumer
// finishes some of what it gets and leaves the rest. The daemon is killed at a random moment, again
// and again, on one data path. In the end everything that was acknowledged, and that nobody tried
// to finish, must come out; a batch must come out whole or not at all; nothing else may come out.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "integration/process.h"
#include "support/catch.h"
#include "support/http_client.h"
#include "support/wire_client.h"

using namespace nsq::test;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

constexpr int kKills = 20;
constexpr const char* kTopic = "kill";
constexpr const char* kChannel = "all";
constexpr int kBatch = 50;
constexpr std::uint64_t kMaxSentPerRound = 20'000;  // of each publisher

std::uint64_t seed() {
  const char* given = std::getenv("NSQ_SEED");
  const std::uint64_t chosen =
      given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::printf("kill_test: NSQ_SEED=%llu\n", static_cast<unsigned long long>(chosen));
  return chosen;
}

// What is known about the messages of the whole test. Shared by all threads.
class Ledger {
 public:
  std::uint64_t new_number() { return ++last_number_; }
  std::uint64_t acknowledged_count() const { return acknowledged_count_; }

  void acknowledge(const std::vector<std::uint64_t>& numbers) {
    const std::scoped_lock lock(mutex_);
    acknowledged_.insert(numbers.begin(), numbers.end());
    acknowledged_count_ = acknowledged_.size();
  }
  void note_batch(const std::vector<std::uint64_t>& numbers) {
    const std::scoped_lock lock(mutex_);
    batches_.push_back(numbers);
  }
  // To be said before the FIN is sent.
  void finish(std::uint64_t number) {
    const std::scoped_lock lock(mutex_);
    finished_.insert(number);
  }

  std::uint64_t last_number() const { return last_number_; }
  // Acknowledged, never finished, and not among `came_out`.
  std::size_t lost(const std::unordered_set<std::uint64_t>& came_out) const {
    const std::scoped_lock lock(mutex_);
    return static_cast<std::size_t>(
        std::count_if(acknowledged_.begin(), acknowledged_.end(), [&](std::uint64_t number) {
          return !came_out.contains(number) && !finished_.contains(number);
        }));
  }
  // Batches of which some messages came out and others did not, leaving aside finished ones.
  std::size_t torn_batches(const std::unordered_set<std::uint64_t>& came_out) const {
    const std::scoped_lock lock(mutex_);
    const auto is_torn = [&](const std::vector<std::uint64_t>& numbers) {
      std::size_t present = 0;
      std::size_t absent = 0;
      for (const std::uint64_t number : numbers) {
        if (!finished_.contains(number)) ++(came_out.contains(number) ? present : absent);
      }
      return present > 0 && absent > 0;
    };
    return static_cast<std::size_t>(std::count_if(batches_.begin(), batches_.end(), is_torn));
  }

 private:
  std::atomic<std::uint64_t> last_number_ = 0;
  std::atomic<std::uint64_t> acknowledged_count_ = 0;
  mutable std::mutex mutex_;
  std::unordered_set<std::uint64_t> acknowledged_;
  std::unordered_set<std::uint64_t> finished_;
  std::vector<std::vector<std::uint64_t>> batches_;
};

std::string body_of(std::uint64_t number) {
  // The length varies, so that records end at every offset.
  return std::to_string(number) + ":" + std::string(number * 7919 % 400, 'x');
}

std::uint64_t number_in(std::string_view body) {
  const std::uint64_t number = std::strtoull(std::string(body).c_str(), nullptr, 10);
  if (body != body_of(number)) throw std::runtime_error("a message was changed");
  return number;
}

// Publishes commands of `batch` messages, `window` ahead of the answers, until the daemon dies.
class TcpPublisher {
 public:
  TcpPublisher(Ledger& ledger, int batch, std::size_t window, int delay_ms)
      : ledger_(ledger), batch_(batch), window_(window), delay_ms_(delay_ms) {}

  void run(std::uint16_t port) {
    std::vector<std::vector<std::uint64_t>> unanswered;  // in the order they were sent
    WireClient client("127.0.0.1", port);
    for (std::uint64_t sent = 0;;) {
      while (unanswered.size() < window_ && sent < kMaxSentPerRound) {
        unanswered.push_back(send_one(client));
        sent += static_cast<std::uint64_t>(batch_);
      }
      // Without anything to send it still waits here, for the end of the connection.
      const auto frame = client.next_frame(10s);
      if (!frame || frame->data != "OK") throw std::runtime_error("publishing was refused");
      ledger_.acknowledge(unanswered.front());
      unanswered.erase(unanswered.begin());
      if (unanswered.empty() && sent >= kMaxSentPerRound) return;
    }
  }

 private:
  std::vector<std::uint64_t> send_one(WireClient& client) {
    std::vector<std::uint64_t> numbers;
    std::vector<std::string> bodies;
    for (int i = 0; i < batch_; ++i) {
      numbers.push_back(ledger_.new_number());
      bodies.push_back(body_of(numbers.back()));
    }
    std::string command;
    if (batch_ > 1) {
      ledger_.note_batch(numbers);
      append_mpub(command, kTopic, bodies);
    } else if (delay_ms_ > 0) {
      append_dpub(command, kTopic, delay_ms_, bodies.front());
    } else {
      append_pub(command, kTopic, bodies.front());
    }
    client.send(command);
    return numbers;
  }

  Ledger& ledger_;
  const int batch_;
  const std::size_t window_;
  const int delay_ms_;
};

void publish_over_http(Ledger& ledger, std::uint16_t port) {
  HttpClient client("127.0.0.1", port);
  for (std::uint64_t sent = 0; sent < kMaxSentPerRound; ++sent) {
    const std::uint64_t number = ledger.new_number();
    const HttpAnswer answer = client.post(std::string("/pub?topic=") + kTopic, body_of(number));
    if (answer.status != 200) throw std::runtime_error("publishing was refused: " + answer.body);
    ledger.acknowledge({number});
  }
}

void subscribe(WireClient& client, int ready_count) {
  client.expect_ok(std::string("SUB ") + kTopic + " " + kChannel + "\n");
  client.send("RDY " + std::to_string(ready_count) + "\n");
}

// Finishes two messages in five, requeues one with and one without delay, and keeps one.
void consume_some(Ledger& ledger, std::uint16_t port, std::uint64_t random_seed) {
  std::minstd_rand random(static_cast<std::minstd_rand::result_type>(random_seed));
  WireClient client("127.0.0.1", port);
  subscribe(client, 500);
  while (const auto frame = client.next_frame(10s)) {
    if (frame->type != Frame::kMessage) continue;
    const auto choice = random() % 5;
    const std::uint64_t number = number_in(frame->body());
    if (choice < 2) ledger.finish(number);
    std::string answer;
    if (choice < 2) append_fin(answer, frame->id());
    if (choice == 2) answer.append("REQ ").append(frame->id()).append(" 300\n");
    if (choice == 3) answer.append("REQ ").append(frame->id()).append(" 0\n");
    if (!answer.empty()) client.send(answer);
  }
}

// Everything that is still there, until nothing has come for a while.
std::unordered_set<std::uint64_t> consume_all(std::uint16_t port) {
  std::unordered_set<std::uint64_t> numbers;
  WireClient client("127.0.0.1", port);
  subscribe(client, 2500);
  std::string finished;
  while (const auto frame = client.next_frame(5s)) {
    if (frame->type != Frame::kMessage) throw std::runtime_error(std::string(frame->data));
    numbers.insert(number_in(frame->body()));
    finished.clear();
    append_fin(finished, frame->id());
    client.send(finished);
  }
  return numbers;
}

// A thread whose connection is expected to break, and nothing else to go wrong.
class Worker {
 public:
  explicit Worker(std::function<void()> work)
      : thread_([this, work = std::move(work)] {
          try {
            work();
          } catch (const ConnectionLost&) {
          } catch (const std::exception& error) {
            failure_ = error.what();
          }
        }) {}
  std::string join() {
    thread_.join();
    return failure_;
  }

 private:
  std::string failure_;
  std::thread thread_;
};

// One life of the daemon. Returns what went wrong, if anything but the kill did.
std::string run_and_kill(Ledger& ledger, Daemon& daemon, std::mt19937_64& random) {
  const std::uint16_t tcp = daemon.tcp_port();
  const std::uint16_t http = daemon.http_port();
  const std::uint64_t consumer_seed = random();
  std::vector<std::unique_ptr<Worker>> workers;
  const auto work = [&](std::function<void()> what) {
    workers.push_back(std::make_unique<Worker>(std::move(what)));
  };
  work([&ledger, tcp] { TcpPublisher(ledger, 1, 1, 0).run(tcp); });
  work([&ledger, tcp] { TcpPublisher(ledger, 1, 64, 0).run(tcp); });
  work([&ledger, tcp] { TcpPublisher(ledger, kBatch, 4, 0).run(tcp); });
  work([&ledger, tcp] { TcpPublisher(ledger, 1, 8, 400).run(tcp); });
  work([&ledger, http] { publish_over_http(ledger, http); });
  work([&ledger, tcp, consumer_seed] { consume_some(ledger, tcp, consumer_seed); });

  // Killed by progress rather than by the clock, so that it always hits a daemon at work.
  const std::uint64_t kill_at = ledger.acknowledged_count() + random() % 15'000;
  const auto deadline = Clock::now() + 3s;
  while (ledger.acknowledged_count() < kill_at && Clock::now() < deadline) {
    std::this_thread::sleep_for(100us);
  }
  daemon.kill();
  std::string failures;
  for (const auto& worker : workers) failures += worker->join();
  return failures;
}

void check_that_nothing_is_lost(const std::string& durability) {
  std::mt19937_64 random(seed());
  Ledger ledger;
  const TemporaryDirectory data;
  const std::vector<std::string> flags{"--durability=" + durability, "--mem-queue-size=1000"};
  for (int kill = 0; kill < kKills; ++kill) {
    Daemon daemon(data.path(), flags);
    const std::string failure = run_and_kill(ledger, daemon, random);
    INFO("kill " << kill);
    REQUIRE(failure == "");
  }
  Daemon daemon(data.path(), flags);
  const auto came_out = consume_all(daemon.tcp_port());
  std::printf("kill_test: %s: %d kills, %llu published, %llu acknowledged, %zu at the end\n",
              durability.c_str(), kKills, static_cast<unsigned long long>(ledger.last_number()),
              static_cast<unsigned long long>(ledger.acknowledged_count()), came_out.size());
  CHECK(ledger.lost(came_out) == 0);
  CHECK(ledger.torn_batches(came_out) == 0);
  for (const std::uint64_t number : came_out) {
    if (number == 0 || number > ledger.last_number()) FAIL("a message nobody published");
  }
  CHECK(daemon.stop() == 0);
}

}  // namespace

TEST_CASE("nothing acknowledged is lost by a daemon killed twenty times", "[integration]") {
  check_that_nothing_is_lost("log");
}

TEST_CASE("nothing acknowledged is lost when every publish is synced", "[integration]") {
  check_that_nothing_is_lost("fsync");
}
