#pragma once

#include <functional>
#include <string_view>

namespace nsq {

enum class LogLevel { Debug, Info, Warning, Error };

// "DBG", "INF", "WRN", "ERR".
std::string_view to_string(LogLevel level);

// Where a consumer or producer tells what happens to it.
struct Logging {
  LogLevel level = LogLevel::Info;  // and what is worse
  // Gets one line without its end, in the form of NSQ's tools:
  // "INF    1 [topic/channel] (host:port) text". Called on any of the library's threads, also at
  // the same time; must not block for long, nor call back. Empty: standard error, with the time.
  std::function<void(LogLevel level, std::string_view line)> sink{};
};

}  // namespace nsq
