#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

// The process's log: one line per event, on standard error or in a file, in the form the original's
// daemons use, "PREFIX2026/11/21 05:08:20.526886 LEVEL: text" in local time, so that scripts which
// read it go on working; or as JSON, for whoever collects logs:
//   {"time":"2026-11-21T05:08:20.526886+00:00","level":"info","logger":"nsqd","message":"text"}
//
// Threading: any thread, except that the set_ functions but set_level are for the start, before
// there are others. A line is written whole; a slow reader of it holds up who writes.
namespace nsq::log {

// The numbers are what GET /config/log_level answers.
enum class Level { Debug = 1, Info = 2, Warning = 3, Error = 4, Fatal = 5 };

// debug, info, warn, error, fatal in any letter case; nothing else.
std::optional<Level> parse_level(std::string_view word);

void set_level(Level level);
Level level();
// Put before every line as it is; the default is "[nsqd] ".
void set_prefix(std::string prefix);

enum class Format { Text, Json };
std::optional<Format> parse_format(std::string_view word);  // text, json
// JSON names the logger by the prefix without brackets and spaces.
void set_format(Format format);

// From here on lines are appended to this file, made if it is missing, instead of standard error.
// False if it cannot be opened; all is then as it was, and errno says why.
bool set_file(const std::string& path);
// Opens the file again by its name, which is another file after a log rotation. If that fails, it
// goes on with the one it has, and says so there. Nothing without a file.
void reopen_file();

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
