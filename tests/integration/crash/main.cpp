// A daemon under every kind of load, killed at random moments and started again on the same data,
// many times. In the end everything that was acknowledged must have come out on every channel it is
// owed to, and nothing that was finished long enough before a kill may have come back.

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>

#include "integration/crash/load.h"
#include "integration/process.h"

namespace nsq::crash {
namespace {

using namespace std::chrono_literals;
using test::Daemon;

struct Arguments {
  std::uint64_t seed = std::random_device{}();
  int kills = 50;
  std::string durability = "log";
  int window_ms = 1000;
  int life_ms = 1200;
  std::string data_path;  // empty: a temporary directory
};

constexpr auto kDrainLimit = 180s;
constexpr int kProgressEvery = 25;

int usage() {
  std::fprintf(
      stderr,
      "crash-test: kills a loaded daemon again and again, and sees that nothing is lost\n"
      "  --kills N          how often (50)\n"
      "  --durability WHAT  log or fsync (log)\n"
      "  --seed N           chooses moments and actions (random, printed)\n"
      "  --window-ms N      a finish this long before a kill must last (1000)\n"
      "  --life-ms N        the longest life, mostly (1200)\n"
      "  --data-path DIR    where; must be empty (a temporary directory)\n"
      "The interleaving is the machine's own: a seed repeats what is tried, not what happens.\n");
  return 2;
}

class CrashTest {
 public:
  explicit CrashTest(const Arguments& arguments)
      : arguments_(arguments),
        random_(arguments.seed),
        orders_("orders", Milliseconds(arguments.window_ms)),
        events_("events", Milliseconds(arguments.window_ms)),
        parked_("parked", Milliseconds(arguments.window_ms)),
        administrator_(orders_, events_, random_()) {
    flags_ = {"--durability=" + arguments_.durability, "--mem-queue-size=300",
              "--max-bytes-per-file=400000", "--sync-timeout=200ms"};
    data_path_ = arguments_.data_path.empty() ? temporary_.path().string() : arguments_.data_path;
  }

  bool run() {
    prepare();
    while (kills_ < arguments_.kills && violations().empty()) {
      live();
      if (kills_ / kProgressEvery > reported_) report("so far");
      reported_ = kills_ / kProgressEvery;
    }
    drain();
    for (const std::string& each : violations()) std::printf("VIOLATION: %s\n", each.c_str());
    report("in the end");
    return violations().empty();
  }

 private:
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
  std::array<Ledger*, 3> ledgers() { return {&orders_, &events_, &parked_}; }

  std::vector<std::string> violations() {
    std::vector<std::string> all;
    for (Ledger* ledger : ledgers()) {
      for (auto& each : ledger->violations()) all.push_back(std::move(each));
    }
    return all;
  }

  // What is to be there from the beginning.
  void prepare() {
    Daemon daemon(data_path_, flags_);
    test::HttpClient client("127.0.0.1", daemon.http_port());
    const auto post = [&](const std::string& target) {
      if (client.post(target, "").status != 200) throw std::runtime_error(target);
    };
    for (const char* topic : {"orders", "events", "parked"}) {
      post(std::string("/topic/create?topic=") + topic);
    }
    post("/channel/create?topic=orders&channel=a");
    post("/channel/create?topic=orders&channel=b");
    post("/channel/create?topic=events&channel=c");
    orders_.add_channel("a", 1);
    orders_.add_channel("b", 1);
    events_.add_channel("c", 1);
    end(daemon, true);
  }

  void end(Daemon& daemon, bool in_good_order) {
    if (in_good_order) {
      if (const int status = daemon.stop(); status != 0) {
        orders_.violation("a clean stop ended with status " + std::to_string(status));
      }
      ++clean_stops_;
    } else {
      killed_at_ = Clock::now();
      daemon.kill();
      ++kills_;
    }
  }

  // One that is killed while it still recovers.
  void live_hardly() {
    const test::TemporaryDirectory output;
    test::Process process(test::daemon_arguments(data_path_, flags_), output.path());
    std::this_thread::sleep_for(std::chrono::microseconds(below(60'000)));
    process.signal(SIGKILL);
    process.wait();
    ++kills_;
  }

  void live() {
    if (below(8) == 0) return live_hardly();
    const bool in_good_order = below(10) == 0;
    Daemon daemon(data_path_, flags_);
    const Ports ports{daemon.tcp_port(), daemon.http_port()};
    administrator_.check(ports);
    {
      std::atomic<bool> stop = false;
      std::vector<std::unique_ptr<Worker>> workers;
      start(workers, ports, stop);
      const auto longest = static_cast<std::uint64_t>(arguments_.life_ms);
      const std::uint64_t life = below(4) == 0 ? longest + below(2 * longest) : 1 + below(longest);
      std::this_thread::sleep_for(Milliseconds(life));
      // A stopping daemon refuses publishes, and so is asked to stop by clients who have gone.
      if (in_good_order) {
        stop = true;
        workers.clear();
      }
      end(daemon, in_good_order);
      stop = true;
    }
    for (Ledger* ledger : ledgers()) {
      ledger->end_life(in_good_order ? std::nullopt : std::optional(killed_at_));
    }
  }

  void start(std::vector<std::unique_ptr<Worker>>& workers, Ports ports,
             const std::atomic<bool>& stop) {
    const auto work = [&](Ledger& ledger, std::function<void()> what) {
      workers.push_back(std::make_unique<Worker>(ledger, std::move(what)));
    };
    const auto publisher = [&](Ledger& ledger, PublishStyle style) {
      work(ledger, [&ledger, ports, style] { publish(ledger, ports, style); });
    };
    const auto consumer = [&](Ledger& ledger, const char* channel) {
      work(ledger, [&ledger, ports, channel, &stop, seed = random_()] {
        consume(ledger, ports, channel, seed, stop);
      });
    };
    publisher(orders_, {.batch = 1, .window = 1, .most = 600});
    publisher(orders_, {.batch = 1, .window = 32, .most = 1500});
    publisher(orders_, {.batch = 25, .window = 3, .most = 1500});
    publisher(orders_, {.window = 8, .delay_ms = 1 + static_cast<int>(below(600)), .most = 300});
    publisher(events_, {.batch = 7, .window = 2, .most = 1000});
    publisher(events_, {.window = 2, .delay_ms = 30, .most = 100});
    publisher(parked_, {.window = 2, .most = 40});
    work(events_, [this, ports] { publish_over_http(events_, ports, 300); });
    consumer(orders_, "a");
    consumer(orders_, "a");
    consumer(orders_, "b");
    consumer(events_, "c");
    work(orders_, [this, ports, &stop] { administrator_.run(ports, stop); });
  }

  // Everything that is still owed has its last occasion.
  void drain() {
    Daemon daemon(data_path_, flags_);
    const Ports ports{daemon.tcp_port(), daemon.http_port()};
    administrator_.check(ports);
    administrator_.settle(ports);
    parked_.add_channel("first", 1);
    {
      std::atomic<bool> stop = false;
      std::vector<std::unique_ptr<Worker>> workers;
      const auto drainer = [&](Ledger& ledger, const char* channel) {
        workers.push_back(std::make_unique<Worker>(ledger, [&ledger, ports, channel, &stop] {
          consume_all(ledger, ports, channel, kDrainLimit, stop);
        }));
      };
      drainer(orders_, "a");
      drainer(orders_, "b");
      drainer(orders_, "late");
      drainer(events_, "c");
      drainer(parked_, "first");
      const auto limit = Clock::now() + kDrainLimit;
      while (Clock::now() < limit) {
        std::this_thread::sleep_for(100ms);
        const auto all = ledgers();
        if (std::all_of(all.begin(), all.end(), [](Ledger* each) { return each->owed() == 0; })) {
          break;
        }
      }
      std::this_thread::sleep_for(1s);  // what should not come has time to come
      stop = true;
    }
    for (Ledger* ledger : ledgers()) ledger->check_complete();
    end(daemon, true);
  }

  void report(const char* when) {
    Tally sum;
    for (Ledger* ledger : ledgers()) {
      const Tally tally = ledger->tally();
      sum.published += tally.published;
      sum.acknowledged += tally.acknowledged;
      sum.delivered += tally.delivered;
      sum.finished += tally.finished;
      sum.came_back += tally.came_back;
      sum.redelivered_attempts += tally.redelivered_attempts;
      sum.oldest_came_back_ms = std::max(sum.oldest_came_back_ms, tally.oldest_came_back_ms);
    }
    std::printf(
        "crash-test: %s, %s: %d kills, %d clean stops; %llu messages sent, %llu acknowledged; %llu "
        "deliveries, %llu of them again; %llu finished, %llu of them came back after a kill, "
        "finished %lld ms before it at most; %zu violations\n",
        arguments_.durability.c_str(), when, kills_, clean_stops_,
        static_cast<unsigned long long>(sum.published),
        static_cast<unsigned long long>(sum.acknowledged),
        static_cast<unsigned long long>(sum.delivered),
        static_cast<unsigned long long>(sum.redelivered_attempts),
        static_cast<unsigned long long>(sum.finished),
        static_cast<unsigned long long>(sum.came_back),
        static_cast<long long>(sum.oldest_came_back_ms), violations().size());
    std::fflush(stdout);
  }

  const Arguments arguments_;
  std::mt19937_64 random_;
  const test::TemporaryDirectory temporary_;
  std::string data_path_;
  std::vector<std::string> flags_;
  Ledger orders_;
  Ledger events_;
  Ledger parked_;
  Administrator administrator_;
  Clock::time_point killed_at_;
  int kills_ = 0;
  int clean_stops_ = 0;
  int reported_ = 0;
};

std::optional<Arguments> parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view flag = argv[i];
    const char* const value = argv[i + 1];
    if (flag == "--seed") {
      arguments.seed = std::strtoull(value, nullptr, 10);
    } else if (flag == "--kills") {
      arguments.kills = std::atoi(value);
    } else if (flag == "--durability") {
      arguments.durability = value;
    } else if (flag == "--window-ms") {
      arguments.window_ms = std::atoi(value);
    } else if (flag == "--life-ms") {
      arguments.life_ms = std::max(1, std::atoi(value));
    } else if (flag == "--data-path") {
      arguments.data_path = value;
    } else {
      return std::nullopt;
    }
  }
  const bool known = arguments.durability == "log" || arguments.durability == "fsync";
  if (argc % 2 == 0 || !known || arguments.kills < 1) return std::nullopt;
  return arguments;
}

}  // namespace
}  // namespace nsq::crash

int main(int argc, char** argv) {
  const auto arguments = nsq::crash::parse(argc, argv);
  if (!arguments) return nsq::crash::usage();
  std::printf("crash-test: --seed %llu\n", static_cast<unsigned long long>(arguments->seed));
  std::fflush(stdout);
  try {
    return nsq::crash::CrashTest(*arguments).run() ? 0 : 1;
  } catch (const std::exception& error) {
    std::printf("crash-test: %s\n", error.what());
    return 1;
  }
}
