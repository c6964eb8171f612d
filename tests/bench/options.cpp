#include "bench/options.h"

#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <functional>
#include <string_view>
#include <system_error>
#include <vector>

namespace nsq::bench {
namespace {

constexpr const char* kHelp =
    R"(broker_bench MODE [--flag=value ...]    load and time an NSQ daemon

modes
  pub        publish only
  sub        consume what is there
  pubsub     publish and consume at once
  latency    publish at a fixed rate and time each message's way to its consumer

flags
  --address=HOST:PORT   the daemon (127.0.0.1:4150)
  --topic=NAME          (a fresh one)
  --channel=NAME        (bench)
  --connections=N       publishers and consumers (2 each)
  --publishers=N  --consumers=N   one of the two
  --channels=N          channels the consumers are dealt out to; each gets every message (1)
  --size=BYTES          of a message (200)
  --batch=N             messages per MPUB; 1 publishes with PUB (200; latency: 1)
  --window=N            unanswered publish commands per connection (8 batches or 100 singles)
  --rdy=N               ready count of each consumer (2500)
  --count=N             messages (4000000)
  --rate=N              latency: messages per second (1000)
  --duration=SECONDS    latency: how long; other modes: give up after so long without progress (10)
  --pid=PID             the daemon's process, to report its CPU time and peak memory
  --json                one JSON object instead of text
)";

template <typename T>
bool parse_number(std::string_view text, T least, T most, T& into) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return false;
  if (value < least || value > most) return false;
  into = value;
  return true;
}

bool parse_address(std::string_view text, Options& options) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  options.host = text.substr(0, colon);
  return parse_number<std::uint16_t>(text.substr(colon + 1), 1, 65535, options.port);
}

std::optional<Mode> parse_mode(std::string_view word) {
  for (const Mode mode : {Mode::Pub, Mode::Sub, Mode::PubSub, Mode::Latency}) {
    if (word == mode_name(mode)) return mode;
  }
  return std::nullopt;
}

struct Flag {
  std::string_view name;
  std::function<bool(std::string_view value, Options& options)> set;
};

std::vector<Flag> flags() {
  const auto number = [](auto Options::*field, auto least, auto most) {
    return [=](std::string_view value, Options& options) {
      using Number = std::remove_reference_t<decltype(options.*field)>;
      return parse_number<Number>(value, static_cast<Number>(least), static_cast<Number>(most),
                                  options.*field);
    };
  };
  const auto text = [](std::string Options::*field) {
    return [=](std::string_view value, Options& options) {
      options.*field = value;
      return !value.empty();
    };
  };
  return {
      {"address", parse_address},
      {"topic", text(&Options::topic)},
      {"channel", text(&Options::channel)},
      {"connections",
       [=](std::string_view value, Options& options) {
         const bool good = parse_number(value, 1, 1000, options.publishers);
         options.consumers = options.publishers;
         return good;
       }},
      {"publishers", number(&Options::publishers, 1, 1000)},
      {"consumers", number(&Options::consumers, 1, 1000)},
      {"channels", number(&Options::channels, 1, 1000)},
      {"size", number(&Options::body_bytes, 1, 64 << 20)},
      {"batch", number(&Options::batch, 1, 100'000)},
      {"window", number(&Options::window, 1, 100'000)},
      {"rdy", number(&Options::ready_count, 1, 1'000'000)},
      {"count", number(&Options::count, 1, 1LL << 40)},
      {"rate", number(&Options::rate, 0.1, 1e7)},
      {"duration",
       [](std::string_view value, Options& options) {
         double seconds = 0;
         if (!parse_number(value, 0.1, 86'400.0, seconds)) return false;
         options.duration = std::chrono::milliseconds(static_cast<long>(seconds * 1000));
         return true;
       }},
      {"pid", number(&Options::pid, 1, 1 << 30)},
  };
}

bool apply(std::string_view argument, Options& options) {
  if (argument == "--json") {
    options.json = true;
    return true;
  }
  const std::size_t equals = argument.find('=');
  if (!argument.starts_with("--") || equals == std::string_view::npos) return false;
  const std::string_view name = argument.substr(2, equals - 2);
  for (const Flag& flag : flags()) {
    if (flag.name == name) return flag.set(argument.substr(equals + 1), options);
  }
  return false;
}

// What depends on other settings unless it was given.
void fill_in(Options& options) {
  if (options.topic.empty()) options.topic = "bench_" + std::to_string(::getpid());
  if (options.window == 0) options.window = options.batch > 1 ? 8 : 100;
  if (options.channels > options.consumers) options.consumers = options.channels;
}

}  // namespace

const char* mode_name(Mode mode) {
  switch (mode) {
    case Mode::Pub:
      return "pub";
    case Mode::Sub:
      return "sub";
    case Mode::PubSub:
      return "pubsub";
    case Mode::Latency:
      return "latency";
  }
  return "";
}

std::optional<Options> parse_options(int argc, char** argv, int& exit_code) {
  exit_code = 2;
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  for (const std::string_view argument : arguments) {
    if (argument == "--help" || argument == "-h") {
      std::fputs(kHelp, stdout);
      exit_code = 0;
      return std::nullopt;
    }
  }
  Options options;
  const auto mode = arguments.empty() ? std::nullopt : parse_mode(arguments[0]);
  if (!mode) {
    std::fputs(kHelp, stderr);
    return std::nullopt;
  }
  options.mode = *mode;
  if (*mode == Mode::Latency) options.batch = 1;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    if (!apply(arguments[i], options)) {
      std::fprintf(stderr, "broker_bench: bad argument %s (see --help)\n", argv[i + 1]);
      return std::nullopt;
    }
  }
  fill_in(options);
  return options;
}

}  // namespace nsq::bench
