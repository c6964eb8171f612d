#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <atomic>

namespace nsq::log {
namespace {

struct LevelName {
  Level level;
  std::string_view word;     // as a flag value
  std::string_view printed;  // as in a line
};
constexpr std::array<LevelName, 5> kLevels{{{Level::Debug, "debug", "DEBUG"},
                                            {Level::Info, "info", "INFO"},
                                            {Level::Warning, "warn", "WARNING"},
                                            {Level::Error, "error", "ERROR"},
                                            {Level::Fatal, "fatal", "FATAL"}}};

std::atomic<Level> threshold{Level::Info};

// Escapes what spdlog's pattern would interpret.
std::string pattern_for(std::string_view prefix) {
  std::string pattern;
  for (const char c : prefix) pattern += c == '%' ? std::string("%%") : std::string(1, c);
  return pattern + "%Y/%m/%d %H:%M:%S.%f %v";
}

spdlog::logger& sink() {
  static const auto logger = [] {
    auto made =
        std::make_shared<spdlog::logger>("nsq", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_level(spdlog::level::trace);
    made->flush_on(spdlog::level::trace);
    made->set_pattern(pattern_for("[nsqd] "));
    return made;
  }();
  return *logger;
}

// One event is one line, whatever a client put into the text.
std::string on_one_line(std::string_view text) {
  std::string line;
  line.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      line += fmt::format("\\x{:02x}", byte);
    } else {
      line += c;
    }
  }
  return line;
}

}  // namespace

std::optional<Level> parse_level(std::string_view word) {
  std::string lower(word);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : static_cast<char>(c);
  });
  for (const LevelName& name : kLevels) {
    if (name.word == lower) return name.level;
  }
  return std::nullopt;
}

void set_level(Level level) {
  threshold.store(level, std::memory_order_relaxed);
}
Level level() {
  return threshold.load(std::memory_order_relaxed);
}
void set_prefix(std::string prefix) {
  sink().set_pattern(pattern_for(prefix));
}
bool enabled(Level level) {
  return level >= threshold.load(std::memory_order_relaxed);
}

void write(Level level, std::string_view text) {
  const auto& name = kLevels[static_cast<std::size_t>(level) - 1];
  sink().log(spdlog::level::info, "{}: {}", name.printed, on_one_line(text));
}

}  // namespace nsq::log
