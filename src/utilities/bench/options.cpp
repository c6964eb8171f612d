#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <thread>
#include <utility>

#include "client/names.h"
#include "utilities/bench.h"
#include "utilities/bench/commands.h"
#include "utilities/bench/process_usage.h"

namespace nsq::utilities {
namespace {

constexpr auto kModes = std::to_array<std::pair<BenchMode, std::string_view>>({
    {BenchMode::Pub, "pub"},
    {BenchMode::Sub, "sub"},
    {BenchMode::PubSub, "pubsub"},
    {BenchMode::Latency, "latency"},
    {BenchMode::Idle, "idle"},
});

constexpr std::int64_t kMaxConnections = 1'000'000;
constexpr std::int64_t kMaxMessageBytes = std::int64_t{256} << 20;
constexpr std::int64_t kMaxWindow = 1'000'000;
constexpr std::int64_t kCommandsPerSecondOfOneThread = 100'000;
// What a connection's unanswered commands take, at most, where the tool chooses the window.
constexpr std::int64_t kWindowBytes = std::int64_t{16} << 20;

bool publishes(const BenchOptions& options) {
  return options.mode != BenchMode::Sub && options.mode != BenchMode::Idle;
}

bool consumes(const BenchOptions& options) {
  return options.mode != BenchMode::Pub;
}

std::int64_t good_window(const BenchOptions& options) {
  if (!options.nsqd_http_address.empty()) return 1;
  const std::int64_t wanted = options.rate > 0 ? 1000 : options.batch == 1 ? 100 : 8;
  const std::int64_t command_bytes = std::max<std::int64_t>(1, options.batch * options.size);
  return std::clamp<std::int64_t>(kWindowBytes / command_bytes, 1, wanted);
}

// Each channel of each daemon needs one.
std::int64_t kinds_of_consumers(const BenchOptions& options) {
  return options.channels * static_cast<std::int64_t>(options.nsqd_tcp_address.size());
}

// At a rate that one thread can do, publishing and consuming, each more is one more to be woken,
// and woken late.
std::int64_t good_threads(const BenchOptions& options) {
  const bool one_can_do_it =
      options.rate > 0 && options.rate / options.batch <= kCommandsPerSecondOfOneThread;
  return one_can_do_it ? 1 : std::max<std::int64_t>(1, std::thread::hardware_concurrency());
}

std::string fresh_topic() {
  return fmt::format("bench_{:x}_{}", Timestamp::now().nanoseconds(), ::getpid());
}

std::optional<std::string> out_of_bounds(const BenchOptions& options) {
  struct Bound {
    std::string_view flag;
    std::int64_t value;
    std::int64_t least;
    std::int64_t most;
  };
  const auto bounds = std::to_array<Bound>({
      {"size", options.size, 1, kMaxMessageBytes},
      {"batch", options.batch, 1, 1'000'000},
      {"connections", options.connections, 1, kMaxConnections},
      {"publishers", options.publishers, 1, kMaxConnections},
      {"consumers", options.consumers, 1, kMaxConnections},
      {"channels", options.channels, 1, kMaxConnections},
      {"threads", options.threads, 1, 1024},
      {"window", options.window, 1, kMaxWindow},
      {"rdy", options.rdy, 1, 1'000'000},
      {"rate", options.rate, 0, 1'000'000'000},
      {"count", options.count, 0, INT64_MAX},
      {"pid", options.pid, 0, INT32_MAX},
      {"duration in ns", options.duration.count(), 1, INT64_MAX / 4},
      {"awake in ns", options.awake.count(), 0, 1'000'000'000},
      {"warmup in ns", options.warmup.count(), 0, INT64_MAX / 4},
      {"patience in ns", options.patience.count(), 1, INT64_MAX / 4},
  });
  for (const Bound& bound : bounds) {
    if (bound.value >= bound.least && bound.value <= bound.most) continue;
    return fmt::format("--{} must be from {} to {}, and is {}", bound.flag, bound.least, bound.most,
                       bound.value);
  }
  if (options.batch * (options.size + 4) > kMaxMessageBytes) {
    return fmt::format("--batch times --size must be at most {} bytes", kMaxMessageBytes);
  }
  return std::nullopt;
}

std::optional<std::string> contradiction(const BenchOptions& options) {
  if (options.topic.empty()) return "--topic is missing: which backlog is to be consumed?";
  if (!client::is_valid_name(options.topic)) return "--topic is no valid name";
  if (!client::is_valid_name(options.channel)) return "--channel is no valid name";
  if (consumes(options) && options.consumers < kinds_of_consumers(options)) {
    return fmt::format("--consumers must be at least {}, one for each channel of each daemon",
                       kinds_of_consumers(options));
  }
  if (options.rate > 0 && !publishes(options)) return "--rate is for publishing";
  if (!options.nsqd_http_address.empty() && !publishes(options)) {
    return "--nsqd-http-address is for publishing";
  }
  if (!options.nsqd_http_address.empty() && options.window > 1) {
    return "--window must be 1 over HTTP: a connection has one request outstanding";
  }
  if (options.rate > 0 && consumes(options) && options.size < std::int64_t{Mark::kBytes}) {
    return fmt::format(
        "--size must be at least {} where latency is measured: a message carries "
        "the time it was due",
        Mark::kBytes);
  }
  if (options.pid > 0 && !usage_of(options.pid)) {
    return fmt::format("--pid={}: there is no such process", options.pid);
  }
  if (const auto valid = options.client.validate(); !valid) return valid.error().to_string();
  return std::nullopt;
}

}  // namespace

std::optional<BenchMode> parse_bench_mode(std::string_view word) {
  for (const auto& [mode, name] : kModes) {
    if (name == word) return mode;
  }
  return std::nullopt;
}

std::string_view to_string(BenchMode mode) {
  return kModes[static_cast<std::size_t>(mode)].second;
}

void choose_bench_defaults(BenchOptions& options) {
  if (options.mode == BenchMode::Latency && options.rate == 0) options.rate = 1000;
  if (options.nsqd_tcp_address.empty()) options.nsqd_tcp_address = {"127.0.0.1:4150"};
  if (options.topic.empty() && options.mode != BenchMode::Sub) options.topic = fresh_topic();
  const bool one_by_one = options.rate > 0 || !options.nsqd_http_address.empty();
  if (options.batch == 0) options.batch = one_by_one ? 1 : 200;
  if (options.publishers == 0) options.publishers = options.connections;
  if (options.consumers == 0)
    options.consumers = std::max(options.connections, kinds_of_consumers(options));
  if (options.window == 0) options.window = good_window(options);
  if (options.threads == 0) options.threads = good_threads(options);
  if (options.count > 0) options.warmup = Duration::zero();
}

std::optional<std::string> find_bench_mistake(const BenchOptions& options) {
  if (auto mistake = out_of_bounds(options)) return mistake;
  return contradiction(options);
}

}  // namespace nsq::utilities
