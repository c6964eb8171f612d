#include "utilities/bench.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <thread>
#include <utility>

#include "utilities/bench/consumer.h"
#include "utilities/bench/course.h"
#include "utilities/bench/dial.h"
#include "utilities/bench/process_usage.h"
#include "utilities/bench/publisher.h"
#include "utilities/bench/report.h"
#include "utilities/bench/worker.h"
#include "utilities/standard_output.h"
#include "utilities/stop_signal.h"

// A run has three parts. All connections are opened, and consumers subscribed, before anything is
// measured. Then threads, each with its share of the connections, do the work and count what they
// did, while the main thread looks on: it takes note of the numbers when the warming up is over,
// shows how it goes, and decides when it is enough. Rates go from that note to the time of the last
// answer or message, which the threads note themselves.
namespace nsq::utilities {
namespace {

using Links = std::vector<std::unique_ptr<Link>>;

constexpr Duration kLook = std::chrono::milliseconds(10);
constexpr Duration kProgressEvery = std::chrono::milliseconds(250);
constexpr Duration kMemoryEvery = std::chrono::milliseconds(50);
// A backlog from which nothing has come for so long is at its end.
constexpr Duration kDry = std::chrono::seconds(1);
// Farther back than this no compression looks.
constexpr std::size_t kCompressionBytes = std::size_t{128} << 10;
// Threads are there within it.
constexpr Duration kHeadStart = std::chrono::milliseconds(10);

// A moment of a run.
struct Snapshot {
  Instant time;
  std::uint64_t published = 0;
  std::uint64_t consumed = 0;
  std::uint64_t consumed_bytes = 0;
  std::uint64_t redelivered = 0;
  std::uint64_t foreign = 0;
  Instant last_answer;
  Instant last_message;
  Duration tool_cpu{0};
  Duration broker_cpu{0};
};

// A thread and its loop.
struct Crew {
  std::unique_ptr<Worker> worker;
  std::thread thread;
};

// For a line that must not grow too long: "12.35M".
std::string short_number(double number) {
  if (number < 1e4) return fmt::format("{:.0f}", number);
  return number < 1e6 ? fmt::format("{:.1f}k", number / 1e3) : fmt::format("{:.2f}M", number / 1e6);
}

void allow_many_connections() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

class Run {
 public:
  explicit Run(const BenchOptions& options)
      : options_(options),
        publishes_(options.mode != BenchMode::Sub && options.mode != BenchMode::Idle),
        consumes_(options.mode != BenchMode::Pub && options.mode != BenchMode::Idle),
        is_idle_(options.mode == BenchMode::Idle),
        run_id_(static_cast<std::uint64_t>(Timestamp::now().nanoseconds())) {}
  ~Run() { end_crews(); }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  // Errors: there could be no run at all.
  Result<BenchReport> run() {
    allow_many_connections();
    if (const auto usage = usage_of(options_.pid)) memory_before_ = usage->resident_bytes;
    const Instant before = Instant::now();
    if (auto connected = connect(); !connected) return connected.error();
    connecting_ = Instant::now() - before;
    set_course();
    assign_publishers();
    assign_consumers();
    for (const auto& crew : crews_) {
      crew->thread = std::thread([worker = crew->worker.get()] { worker->run(); });
    }
    look_on();
    const Snapshot end = snapshot();
    end_crews();
    return make_report(end);
  }

 private:
  Result<void> connect() {
    const auto dialled = [&](auto result, Links& links) -> Result<void> {
      if (!result) return result.error();
      links = std::move(*result);
      return {};
    };
    if (publishes_) {
      const auto count = static_cast<std::size_t>(options_.publishers);
      auto result = is_http() ? dial_http(options_.nsqd_http_address, count, options_.client)
                              : dial_nsq(options_.nsqd_tcp_address, count, options_.client);
      if (auto done = dialled(std::move(result), publishing_); !done) return done;
    }
    if (!consumes_ && !is_idle_) return {};
    const auto count = static_cast<std::size_t>(options_.consumers);
    auto result = dial_nsq(options_.nsqd_tcp_address, count, options_.client);
    if (auto done = dialled(std::move(result), consuming_); !done) return done;
    return subscribe(consuming_, options_.topic, channels(), options_.nsqd_tcp_address.size(),
                     options_.client);
  }

  bool is_http() const { return !options_.nsqd_http_address.empty(); }

  std::vector<std::string> channels() const {
    if (options_.channels == 1) return {options_.channel};
    std::vector<std::string> names;
    for (std::int64_t i = 0; i < options_.channels; ++i) {
      names.push_back(fmt::format("{}{}", options_.channel, i));
    }
    return names;
  }

  void set_course() {
    course_.start = Instant::now() + kHeadStart;
    course_.measure_from = course_.start + options_.warmup;
    if (options_.count == 0) course_.send_until = course_.measure_from + options_.duration;
  }

  // Deals `count` sessions out to new threads, or to the one there is if it is enough for all.
  template <typename Make>
  void assign(std::size_t count, Make make) {
    const bool one_is_enough = options_.rate > 0 && options_.threads == 1;
    const std::size_t threads = std::min(static_cast<std::size_t>(options_.threads), count);
    const std::size_t first = one_is_enough ? 0 : crews_.size();
    while (crews_.size() < first + threads) {
      crews_.push_back(std::make_unique<Crew>());
      crews_.back()->worker = std::make_unique<Worker>(course_, options_.awake);
    }
    for (std::size_t i = 0; i < count; ++i) {
      Worker& worker = *crews_[first + i % threads]->worker;
      worker.add(make(i, worker.tally()));
    }
  }

  void assign_publishers() {
    if (!publishes_) return;
    assign(publishing_.size(), [this](std::size_t index, Tally& tally) {
      const std::string& address = publishing_[index]->address();
      std::unique_ptr<AnswerReader> answers;
      if (is_http()) {
        answers = std::make_unique<HttpAnswerReader>();
      } else {
        answers = std::make_unique<FrameAnswerReader>();
      }
      auto block = make_command_block(options_.topic, static_cast<std::size_t>(options_.size),
                                      static_cast<std::size_t>(options_.batch), commands_in_block(),
                                      is_http() ? std::optional(address) : std::nullopt);
      return std::make_unique<Publisher>(std::move(publishing_[index]), std::move(answers),
                                         std::move(block), publish_task(index), course_, tally);
    });
  }

  // As many as can be unanswered; more where a compression would notice that they come again.
  std::size_t commands_in_block() const {
    const auto window = static_cast<std::size_t>(options_.window);
    if (!options_.client.snappy && !options_.client.deflate) return window;
    const auto command_bytes = static_cast<std::size_t>(options_.batch * options_.size);
    return std::max(window, kCompressionBytes / command_bytes + 1);
  }

  PublishTask publish_task(std::size_t index) const {
    const auto publishers = static_cast<std::uint64_t>(options_.publishers);
    const auto batch = static_cast<std::uint64_t>(options_.batch);
    PublishTask task;
    task.window = static_cast<std::size_t>(options_.window);
    task.run = run_id_;
    task.marks = marks();
    if (options_.count > 0) {
      const std::uint64_t all = (static_cast<std::uint64_t>(options_.count) + batch - 1) / batch;
      task.commands = all / publishers + (index < all % publishers ? 1 : 0);
    }
    if (options_.rate > 0) {
      const double between = 1e9 * static_cast<double>(batch) / static_cast<double>(options_.rate);
      const auto times = [&](double factor) {
        return Duration(std::max<std::int64_t>(1, static_cast<std::int64_t>(between * factor)));
      };
      task.first = times(static_cast<double>(index));
      task.interval = times(static_cast<double>(publishers));
    }
    return task;
  }

  bool marks() const { return options_.rate > 0 && consumes_; }

  void assign_consumers() {
    if (consuming_.empty()) return;
    const ConsumeTask task{options_.rdy, run_id_, marks()};
    assign(consuming_.size(), [&](std::size_t index, Tally& tally) {
      return std::make_unique<Consumer>(std::move(consuming_[index]), task, course_, tally);
    });
  }

  // Until the run is over, for whatever reason; `shortage_` says so if that is a bad one.
  void look_on() {
    shown_.time = course_.start;
    Instant next_progress = course_.start + kProgressEvery;
    Instant next_memory = course_.start;
    bool is_measuring = false;
    while (!is_over()) {
      signal_.wait_for_input(-1, Instant::now() + kLook);
      const Instant now = Instant::now();
      if (!is_measuring && now >= course_.measure_from) {
        is_measuring = true;
        from_ = snapshot();
        if (options_.warmup == Duration::zero()) from_ = at_start();
      }
      if (now >= next_memory) {
        note_memory();
        next_memory = now + kMemoryEvery;
      }
      if (now >= next_progress) {
        if (shows_progress_) show_progress(now);
        next_progress = now + kProgressEvery;
      }
    }
    note_memory();
    if (shows_progress_) fmt::print(stderr, "\r\x1b[K");
  }

  // Without warming up everything is measured, however late we looked.
  Snapshot at_start() const {
    Snapshot begin;
    begin.time = course_.start;
    begin.tool_cpu = from_.tool_cpu;
    begin.broker_cpu = from_.broker_cpu;
    return begin;
  }

  bool is_over() {
    if (course_.stop) return true;  // a connection failed
    if (signal_.has_come()) {
      shortage_ = "interrupted";
      return true;
    }
    const Snapshot now = counts();
    if (is_idle_) return now.time >= course_.send_until;
    if (has_stalled(now)) return true;
    if (publishes_ && !publishers_have_ended()) return false;
    if (!consumes_) return true;
    if (publishes_) expected_ = now.published * static_cast<std::uint64_t>(options_.channels);
    if (!publishes_) {
      expected_ = static_cast<std::uint64_t>(options_.count);
      if (options_.count == 0) return now.time >= course_.send_until || is_dry(now);
    }
    return now.consumed >= expected_;
  }

  bool publishers_have_ended() const {
    return std::all_of(crews_.begin(), crews_.end(),
                       [](const auto& crew) { return crew->worker->has_ended(); });
  }

  bool is_dry(const Snapshot& now) const {
    return now.time - std::max(now.last_message, course_.start) > kDry;
  }

  // Nothing at all has happened for too long.
  bool has_stalled(const Snapshot& now) {
    const Instant last = std::max({now.last_answer, now.last_message, course_.start});
    if (now.time - last <= options_.patience) return false;
    // At a low rate nothing happens for long without anybody being to blame.
    if (options_.rate > 0 && now.time < course_.send_until &&
        options_.patience < std::chrono::seconds(2) * options_.batch / options_.rate) {
      return false;
    }
    shortage_ = fmt::format("nothing has happened for {:.1f} s",
                            std::chrono::duration<double>(options_.patience).count());
    return true;
  }

  Snapshot counts() const {
    Snapshot now;
    std::int64_t last_answer_ns = 0;
    std::int64_t last_message_ns = 0;
    for (const auto& crew : crews_) {
      const Tally& tally = crew->worker->tally();
      now.published += tally.published;
      now.consumed += tally.consumed;
      now.consumed_bytes += tally.consumed_bytes;
      now.redelivered += tally.redelivered;
      now.foreign += tally.foreign;
      last_answer_ns = std::max(last_answer_ns, tally.last_answer_ns.load());
      last_message_ns = std::max(last_message_ns, tally.last_message_ns.load());
    }
    now.last_answer = Instant(Duration(last_answer_ns));
    now.last_message = Instant(Duration(last_message_ns));
    now.time = Instant::now();
    return now;
  }

  // The same with the time of the processors, which costs more to find out.
  Snapshot snapshot() const {
    const Duration tool_cpu = own_cpu_time();
    const auto usage = broker_usage();
    Snapshot now = counts();
    now.tool_cpu = tool_cpu;
    if (usage) now.broker_cpu = usage->cpu_time;
    return now;
  }

  std::optional<ProcessUsage> broker_usage() const {
    return options_.pid > 0 ? usage_of(options_.pid) : std::nullopt;
  }

  void note_memory() {
    if (const auto usage = broker_usage()) {
      peak_memory_ = std::max(peak_memory_, usage->resident_bytes);
      memory_now_ = usage->resident_bytes;
    }
  }

  void show_progress(Instant now) {
    const Snapshot current = counts();
    const double seconds = std::chrono::duration<double>(current.time - shown_.time).count();
    std::string line =
        fmt::format("{:6.1f} s{}", std::chrono::duration<double>(now - course_.start).count(),
                    now < course_.measure_from ? ", warming up" : "");
    const auto add = [&](std::string_view what, std::uint64_t count, std::uint64_t before) {
      const double rate = seconds > 0 ? static_cast<double>(count - before) / seconds : 0;
      line += fmt::format("  {} {} ({}/s)", what, short_number(static_cast<double>(count)),
                          short_number(rate));
    };
    if (publishes_) add("published", current.published, shown_.published);
    if (consumes_) add("consumed", current.consumed, shown_.consumed);
    if (is_idle_) line += fmt::format("  {} connections", options_.consumers);
    fmt::print(stderr, "\r\x1b[K{}", line);
    shown_ = current;
  }

  void end_crews() {
    course_.stop = true;
    for (const auto& crew : crews_) {
      if (crew->thread.joinable()) crew->thread.join();
    }
  }

  BenchReport make_report(const Snapshot& end) const {
    BenchReport report;
    // A run that was over before its warming up has nothing to measure.
    const Snapshot from = from_.time == Instant() ? end : from_;
    if (publishes_) {
      report.published = flow(end.published, end.published - from.published, end.last_answer, from);
      report.published->bytes = end.published * static_cast<std::uint64_t>(options_.size);
    }
    if (consumes_) {
      report.consumed = flow(end.consumed, end.consumed - from.consumed, end.last_message, from);
      report.consumed->bytes = end.consumed_bytes;
      report.expected = expected_;
      report.redelivered = end.redelivered;
      report.foreign = end.foreign;
    }
    report.connecting = connecting_;
    report.tool_cpu = end.tool_cpu - from.tool_cpu;
    if (is_idle_) report.idle_connections = options_.consumers;
    if (options_.pid > 0) {
      report.broker = {end.broker_cpu - from.broker_cpu, peak_memory_, memory_before_, memory_now_};
    }
    report.failure = shortage_;
    for (const auto& crew : crews_) {
      const Worker& worker = *crew->worker;
      report.answers.merge(worker.tally().answers);
      report.deliveries.merge(worker.tally().deliveries);
      report.lateness.merge(worker.tally().lateness);
      if (worker.failure()) report.failure = worker.failure()->to_string();
    }
    if (report.failure.empty() && end.consumed < expected_) report.failure = "messages are missing";
    report.is_complete = report.failure.empty();
    return report;
  }

  static BenchReport::Flow flow(std::uint64_t all, std::uint64_t measured, Instant until,
                                const Snapshot& from) {
    return {all, measured, std::max(until - from.time, Duration::zero()), 0};
  }

  const BenchOptions& options_;
  const bool publishes_;
  const bool consumes_;
  const bool is_idle_;
  const std::uint64_t run_id_;
  const bool shows_progress_ = ::isatty(STDERR_FILENO) != 0;
  const StopSignal signal_{[] {}};

  Links publishing_;  // until they are assigned
  Links consuming_;
  Course course_;
  std::vector<std::unique_ptr<Crew>> crews_;

  Snapshot from_;   // when the warming up was over
  Snapshot shown_;  // last
  std::uint64_t expected_ = 0;
  std::string shortage_;
  Duration connecting_{0};
  std::uint64_t memory_before_ = 0;
  std::uint64_t memory_now_ = 0;
  std::uint64_t peak_memory_ = 0;
};

}  // namespace

int bench(const BenchOptions& options) {
  Result<BenchReport> report = [&options] { return Run(options).run(); }();
  if (!report) {
    fmt::print(stderr, "nsq bench: {}\n", report.error().to_string());
    return EXIT_FAILURE;
  }
  const auto printed =
      print_text(options.json ? report_json(*report, options) : report_text(*report, options));
  if (!report->is_complete) fmt::print(stderr, "nsq bench: {}\n", report->failure);
  if (!printed) fmt::print(stderr, "nsq bench: {}\n", printed.error().to_string());
  return report->is_complete && printed ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace nsq::utilities
