#include "cli/log_flags.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"

namespace nsq::cli {

void add_log_flags(FlagTable& flags, std::string& level, std::string& prefix) {
  const auto set_level = [&level](std::string_view text) -> Result<void> {
    if (!log::parse_level(text)) {
      return Error(CliErrc::Unknown,
                   fmt::format("invalid log level '{}' (debug, info, warn, error, fatal)", text));
    }
    level = text;
    std::transform(level.begin(), level.end(), level.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return {};
  };
  flags
      .add_row("log-level", Kind::Special, "level", level, "debug, info, warn, error or fatal",
               set_level)
      .words({"debug", "info", "warn", "error", "fatal"})
      .add("log-prefix", prefix, "text", "put before every line of the log");
}

void set_up_log(const std::string& prefix, const std::string& level) {
  log::set_prefix(prefix);
  log::set_level(log::parse_level(level).value_or(log::Level::Info));
}

}  // namespace nsq::cli
