#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
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

constexpr std::chrono::milliseconds kLook{100};  // how often a waiting thread looks around

// One run: what its threads share.
class Run {
 public:
  explicit Run(const Options& options)
      : options_(options),
        publishers_(options.mode == Mode::Sub ? 0 : options.publishers),
        consumers_(options.mode == Mode::Pub ? 0 : options.consumers),
        to_consume_(options.count * static_cast<std::uint64_t>(options.channels)),
        ready_(publishers_ + consumers_, StartClock{this}) {}

  Throughput run() {
    std::vector<std::thread> threads;
    for (int i = 0; i < consumers_; ++i)
      threads.emplace_back([this, i] { guard(&Run::consume, i); });
    for (int i = 0; i < publishers_; ++i)
      threads.emplace_back([this, i] { guard(&Run::publish, i); });
    for (std::thread& thread : threads) thread.join();
    if (failure_) std::rethrow_exception(failure_);

    Throughput result;
    result.published = published_;
    result.consumed = consumed_;
    result.publish_seconds = seconds_since_start(last_publish_);
    result.consume_seconds = seconds_since_start(last_consume_);
    result.complete = (publishers_ == 0 || published_ >= options_.count) &&
                      (consumers_ == 0 || consumed_ >= to_consume_);
    return result;
  }

 private:
  // Runs once, when every thread is connected.
  struct StartClock {
    Run* run;
    void operator()() noexcept { run->start_ = Clock::now(); }
  };

  // A publisher's share of the commands, answered `window` at a time. The bytes of a full window
  // are made once; a burst is a prefix of them.
  void publish(int index, bool& arrived) {
    WireClient client(options_.host, options_.port);
    std::string command;
    append_command(command);
    std::string window;
    for (int i = 0; i < options_.window; ++i) window += command;

    const std::uint64_t commands_in_all =
        (options_.count + static_cast<std::uint64_t>(options_.batch) - 1) /
        static_cast<std::uint64_t>(options_.batch);
    const auto publishers = static_cast<std::uint64_t>(publishers_);
    std::uint64_t to_send = commands_in_all / publishers +
                            (static_cast<std::uint64_t>(index) < commands_in_all % publishers);
    arrive(arrived);

    std::uint64_t unanswered = 0;
    while ((to_send > 0 || unanswered > 0) && !failed_) {
      const std::uint64_t room = static_cast<std::uint64_t>(options_.window) - unanswered;
      const std::uint64_t burst = std::min(room, to_send);
      if (burst > 0) client.send(std::string_view(window).substr(0, burst * command.size()));
      to_send -= burst;
      unanswered += burst;
      const std::uint64_t answered = take_answers(client);
      unanswered -= answered;
      published_.fetch_add(answered * static_cast<std::uint64_t>(options_.batch));
    }
    note_time(last_publish_);
  }

  void append_command(std::string& to) const {
    const std::string body(options_.body_bytes, 'x');
    if (options_.batch == 1) return test::append_pub(to, options_.topic, body);
    test::append_mpub(to, options_.topic,
                      std::vector<std::string>(static_cast<std::size_t>(options_.batch), body));
  }

  // Waits for at least one answer and counts all that are there.
  std::uint64_t take_answers(WireClient& client) const {
    std::uint64_t answers = 0;
    if (!client.receive(options_.duration)) throw ConnectionLost("publishing stalled");
    while (const auto frame = client.buffered_frame()) {
      if (frame->type != Frame::kResponse || frame->data != "OK") {
        throw ConnectionLost("the daemon answered " + std::string(frame->data));
      }
      ++answers;
    }
    return answers;
  }

  void consume(int index, bool& arrived) {
    WireClient client(options_.host, options_.port);
    std::string channel = options_.channel;
    if (options_.channels > 1) channel += std::to_string(index % options_.channels);
    client.expect_ok("SUB " + options_.topic + " " + channel + "\n");
    arrive(arrived);

    client.send("RDY " + std::to_string(options_.ready_count) + "\n");
    std::string finished;
    auto last_progress = Clock::now();
    while (consumed_ < to_consume_ && !failed_) {
      client.receive(kLook);
      std::uint64_t messages = 0;
      finished.clear();
      while (const auto frame = client.buffered_frame()) {
        if (frame->type == Frame::kError) {
          throw ConnectionLost("the daemon answered " + std::string(frame->data));
        }
        if (frame->type != Frame::kMessage) continue;
        test::append_fin(finished, frame->id());
        ++messages;
      }
      if (messages > 0) {
        client.send(finished);
        last_progress = Clock::now();
        if (consumed_.fetch_add(messages) + messages >= to_consume_) note_time(last_consume_);
      } else if (Clock::now() - last_progress > options_.duration && nobody_progresses()) {
        note_time(last_consume_);
        return;  // the result says that it is not complete
      }
    }
  }

  // True when nothing was consumed anywhere for the time it takes to ask twice.
  bool nobody_progresses() const {
    const std::uint64_t before = consumed_;
    std::this_thread::sleep_for(kLook);
    return consumed_ == before;
  }

  void arrive(bool& arrived) {
    arrived = true;
    ready_.arrive_and_wait();
  }

  // Runs one thread's work. A thread that fails lets the others start and then stop.
  void guard(void (Run::*work)(int, bool&), int index) {
    bool arrived = false;
    try {
      (this->*work)(index, arrived);
    } catch (...) {
      const std::scoped_lock lock(failure_mutex_);
      if (!failure_) failure_ = std::current_exception();
      failed_ = true;
    }
    if (!arrived) ready_.arrive_and_drop();
  }

  static void note_time(std::atomic<Clock::rep>& into) {
    const Clock::rep now = Clock::now().time_since_epoch().count();
    Clock::rep before = into;
    while (before < now && !into.compare_exchange_weak(before, now)) {
    }
  }

  double seconds_since_start(Clock::rep time) const {
    if (time == 0) return 0;
    return std::chrono::duration<double>(Clock::time_point(Clock::duration(time)) - start_).count();
  }

  const Options& options_;
  const int publishers_;
  const int consumers_;
  const std::uint64_t to_consume_;
  std::barrier<StartClock> ready_;
  Clock::time_point start_;
  std::atomic<std::uint64_t> published_ = 0;
  std::atomic<std::uint64_t> consumed_ = 0;
  std::atomic<Clock::rep> last_publish_ = 0;
  std::atomic<Clock::rep> last_consume_ = 0;
  std::atomic<bool> failed_ = false;
  std::mutex failure_mutex_;
  std::exception_ptr failure_;  // the first one; guarded by failure_mutex_
};

}  // namespace

Throughput run_throughput(const Options& options) {
  Run run(options);
  return run.run();
}

}  // namespace nsq::bench
