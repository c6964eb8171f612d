#include <sys/prctl.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <exception>
#include <mutex>
#include <string>
#include <thread>

#include "bench/load.h"
#include "support/wire_client.h"

namespace nsq::bench {
namespace {

using Clock = std::chrono::steady_clock;
using test::ConnectionLost;
using test::Frame;
using test::WireClient;

constexpr std::chrono::milliseconds kLook{100};
constexpr std::chrono::seconds kPatience{5};  // for the last messages after the last publish

std::int64_t now_nanoseconds() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch())
      .count();
}

// Sleeps end when asked and not the usual 50 microseconds later, which would be measured as
// latency.
void ask_for_exact_sleep() {
  ::prctl(PR_SET_TIMERSLACK, 1UL);
}

// A message's body: the time it was due, then filling.
std::string body_due_at(std::int64_t due, std::size_t bytes) {
  std::string body(std::max(bytes, sizeof due), 'x');
  std::memcpy(body.data(), &due, sizeof due);
  return body;
}

class LatencyRun {
 public:
  explicit LatencyRun(const Options& options) : options_(options) {}

  Latency run() {
    for (int i = 0; i < options_.consumers; ++i) {
      WireClient& client = consumers_.emplace_back(options_.host, options_.port);
      client.expect_ok("SUB " + options_.topic + " " + options_.channel + "\n");
      client.send("RDY " + std::to_string(options_.ready_count) + "\n");
    }
    std::vector<std::thread> threads;
    for (WireClient& client : consumers_)
      threads.emplace_back([this, &client] { collect(client); });
    Latency result;
    try {
      publish(result);
    } catch (...) {
      fail();
    }
    const auto deadline = Clock::now() + kPatience;
    while (received_ < result.sent && !stop_ && Clock::now() < deadline) {
      std::this_thread::sleep_for(kLook / 10);
    }
    stop_ = true;
    for (std::thread& thread : threads) thread.join();
    if (failure_) std::rethrow_exception(failure_);
    result.nanoseconds = std::move(samples_);
    std::sort(result.nanoseconds.begin(), result.nanoseconds.end());
    return result;
  }

 private:
  void publish(Latency& result) {
    ask_for_exact_sleep();
    std::vector<WireClient> clients;
    for (int i = 0; i < options_.publishers; ++i)
      clients.emplace_back(options_.host, options_.port);
    const auto interval = std::chrono::nanoseconds(static_cast<std::int64_t>(1e9 / options_.rate));
    const auto start = Clock::now();
    std::string command;
    for (auto due = start; due - start < options_.duration && !stop_; due += interval) {
      std::this_thread::sleep_until(due);
      command.clear();
      const auto due_nanoseconds =
          std::chrono::duration_cast<std::chrono::nanoseconds>(due.time_since_epoch()).count();
      test::append_pub(command, options_.topic, body_due_at(due_nanoseconds, options_.body_bytes));
      WireClient& client = clients[result.sent % clients.size()];
      client.send(command);
      ++result.sent;
      check_answers(client);
    }
    result.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  }

  // Takes the answers that have come, without waiting for any.
  static void check_answers(WireClient& client) {
    client.receive(std::chrono::milliseconds(0));
    while (const auto frame = client.buffered_frame()) {
      if (frame->type != Frame::kResponse) {
        throw ConnectionLost("the daemon answered " + std::string(frame->data));
      }
    }
  }

  void collect(WireClient& client) {
    std::vector<std::int64_t> samples;
    std::string finished;
    try {
      while (!stop_) {
        client.receive(kLook);
        const std::int64_t now = now_nanoseconds();
        finished.clear();
        while (const auto frame = client.buffered_frame()) {
          if (frame->type != Frame::kMessage) continue;
          std::int64_t due = 0;
          if (frame->body().size() >= sizeof due) {
            std::memcpy(&due, frame->body().data(), sizeof due);
            samples.push_back(now - due);
          }
          test::append_fin(finished, frame->id());
          ++received_;
        }
        if (!finished.empty()) client.send(finished);
      }
    } catch (...) {
      fail();
    }
    const std::scoped_lock lock(mutex_);
    samples_.insert(samples_.end(), samples.begin(), samples.end());
  }

  void fail() {
    const std::scoped_lock lock(mutex_);
    if (!failure_) failure_ = std::current_exception();
    stop_ = true;
  }

  const Options& options_;
  std::vector<WireClient> consumers_;
  std::atomic<bool> stop_ = false;
  std::atomic<std::uint64_t> received_ = 0;
  std::mutex mutex_;
  std::vector<std::int64_t> samples_;  // guarded by mutex_
  std::exception_ptr failure_;         // the first one; guarded by mutex_
};

}  // namespace

Latency run_latency(const Options& options) {
  LatencyRun run(options);
  return run.run();
}

}  // namespace nsq::bench
