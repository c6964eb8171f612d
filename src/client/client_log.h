#pragma once

#include <fmt/format.h>

#include <atomic>
#include <string>
#include <string_view>
#include <utility>

#include "nsq/logging.h"

namespace nsq::client {

// One object's lines: numbered over all consumers and producers of the process, from 1.
//
// Threading: immutable; lines may be written from any thread.
class ClientLog {
 public:
  // `subject` is "[topic/channel] " or empty.
  ClientLog(Logging logging, std::string subject);

  bool enabled(LogLevel level) const {
    return level >= logging_.level && !is_silent_.load(std::memory_order_relaxed);
  }
  // Whoever reads it goes away: nothing is written from now on, except by calls already under way.
  void silence() const { is_silent_.store(true, std::memory_order_relaxed); }

  template <typename... Args>
  void write(LogLevel level, fmt::format_string<Args...> format, Args&&... args) const {
    if (enabled(level)) put(level, fmt::format(format, std::forward<Args>(args)...));
  }
  template <typename... Args>
  void debug(fmt::format_string<Args...> format, Args&&... args) const {
    write(LogLevel::Debug, format, std::forward<Args>(args)...);
  }
  template <typename... Args>
  void info(fmt::format_string<Args...> format, Args&&... args) const {
    write(LogLevel::Info, format, std::forward<Args>(args)...);
  }
  template <typename... Args>
  void warning(fmt::format_string<Args...> format, Args&&... args) const {
    write(LogLevel::Warning, format, std::forward<Args>(args)...);
  }
  template <typename... Args>
  void error(fmt::format_string<Args...> format, Args&&... args) const {
    write(LogLevel::Error, format, std::forward<Args>(args)...);
  }

 private:
  void put(LogLevel level, std::string_view text) const;

  const Logging logging_;
  const std::string subject_;
  mutable std::atomic<bool> is_silent_{false};
};

}  // namespace nsq::client
