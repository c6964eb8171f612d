#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

// The process's log: one line per event on standard error, in the form the original's daemons use,
// "PREFIX2026/11/21 05:08:20.526886 LEVEL: text" in local time, so that scripts which read it go on
// working.
//
// Threading: any thread. A line is written whole; a slow standard error holds up its writer only.
namespace nsq::log {

// The numbers are what GET /config/log_level answers.
enum class Level { Debug = 1, Info = 2, Warning = 3, Error = 4, Fatal = 5 };

// debug, info, warn, error, fatal in any letter case; nothing else.
std::optional<Level> parse_level(std::string_view word);

void set_level(Level level);
Level level();
// Put before every line as it is; the default is "[nsqd] ".
void set_prefix(std::string prefix);

bool enabled(Level level);
void write(Level level, std::string_view text);

template <typename... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::Debug)) write(Level::Debug, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::Info)) write(Level::Info, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::Warning))
    write(Level::Warning, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::Error)) write(Level::Error, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void fatal(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::Fatal, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace nsq::log
