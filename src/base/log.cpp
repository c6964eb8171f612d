#include "base/log.h"

#include <fcntl.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>

#include "base/json_writer.h"
#include "base/log_prefix.h"
#include "base/one_line.h"

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

thread_local std::string own_prefix;  // of this thread; empty for the process's

const std::string& current_prefix();

// Lines are laid out on the thread that writes them, so its prefix is at hand.
class PrefixFlag final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg&, const std::tm&,
              spdlog::memory_buf_t& line) override {
    const std::string& prefix = current_prefix();
    line.append(prefix.data(), prefix.data() + prefix.size());
  }
  std::unique_ptr<spdlog::custom_flag_formatter> clone() const override {
    return std::make_unique<PrefixFlag>();
  }
};

// Writes lines to standard error or a file, and no more when neither takes any.
class Output final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  bool open(const std::string& path) {
    const int opened = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (opened < 0) return false;
    const std::lock_guard lock(mutex_);
    if (!path_.empty()) ::close(descriptor_);
    descriptor_ = opened;
    path_ = path;
    return true;
  }
  std::string path() {
    const std::lock_guard lock(mutex_);
    return path_;
  }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    for (std::size_t written = 0; written < line.size();) {
      const ssize_t n = ::write(descriptor_, line.data() + written, line.size() - written);
      if (n > 0) written += static_cast<std::size_t>(n);
      if (n <= 0 && errno != EINTR) return;
    }
  }
  void flush_() override {}

  int descriptor_ = STDERR_FILENO;
  std::string path_;  // empty: standard error
};

struct Logger {
  std::shared_ptr<Output> output = std::make_shared<Output>();
  spdlog::logger lines{"nsq", output};
  std::string prefix = "[nsqd] ";
  Format format = Format::Text;

  Logger() {
    lines.set_level(spdlog::level::trace);
    apply();
  }

  void apply() {
    auto formatter = std::make_unique<spdlog::pattern_formatter>();
    formatter->add_flag<PrefixFlag>('*').set_pattern(format == Format::Json
                                                         ? R"({"time":"%Y-%m-%dT%H:%M:%S.%f%z",%v})"
                                                         : "%*%Y/%m/%d %H:%M:%S.%f %v");
    lines.set_formatter(std::move(formatter));
  }
};

Logger& logger() {
  static Logger made;
  return made;
}

const std::string& current_prefix() {
  return own_prefix.empty() ? logger().prefix : own_prefix;
}

// The members behind the time.
std::string json_members(const LevelName& level, std::string_view text) {
  std::string name;
  for (const char c : current_prefix()) {
    if (c != '[' && c != ']' && c != ' ') name += c;
  }
  JsonWriter json;
  json.begin_object()
      .member("level", level.word)
      .member("logger", name)
      .member("message", text)
      .end_object();
  const std::string object = json.take_text();
  return object.substr(1, object.size() - 2);
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
  logger().prefix = std::move(prefix);
}
std::optional<Format> parse_format(std::string_view word) {
  if (word == "text") return Format::Text;
  if (word == "json") return Format::Json;
  return std::nullopt;
}
void set_format(Format format) {
  logger().format = format;
  logger().apply();
}
bool set_file(const std::string& path) {
  return logger().output->open(path);
}
void reopen_file() {
  const std::string path = logger().output->path();
  if (path.empty() || logger().output->open(path)) return;
  error("cannot open the log file {} again, going on with the old one - {}", path,
        std::strerror(errno));
}
ThreadPrefix::ThreadPrefix(std::string prefix)
    : outer_(std::exchange(own_prefix, std::move(prefix))) {}

ThreadPrefix::~ThreadPrefix() {
  own_prefix = std::move(outer_);
}

const std::string& thread_prefix() {
  return own_prefix;
}

bool enabled(Level level) {
  return level >= threshold.load(std::memory_order_relaxed);
}

void write(Level level, std::string_view text) {
  const auto& name = kLevels[static_cast<std::size_t>(level) - 1];
  if (logger().format == Format::Json) {
    logger().lines.log(spdlog::level::info, "{}", json_members(name, text));
  } else {
    logger().lines.log(spdlog::level::info, "{}: {}", name.printed, on_one_line(text));
  }
}

}  // namespace nsq::log
