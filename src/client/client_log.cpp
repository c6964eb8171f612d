#include "client/client_log.h"

#include <fmt/chrono.h>

#include <atomic>
#include <cstdio>
#include <ctime>

#include "base/one_line.h"

namespace nsq {

std::string_view to_string(LogLevel level) {
  switch (level) {
    case LogLevel::Debug:
      return "DBG";
    case LogLevel::Info:
      return "INF";
    case LogLevel::Warning:
      return "WRN";
    case LogLevel::Error:
      return "ERR";
  }
  return "???";
}

namespace client {
namespace {

int next_number() {
  static std::atomic<int> count{0};
  return ++count;
}

}  // namespace

ClientLog::ClientLog(Logging logging, std::string subject)
    : logging_(std::move(logging)), subject_(fmt::format("{:>4} {}", next_number(), subject)) {}

void ClientLog::put(LogLevel level, std::string_view text) const {
  const std::string line = fmt::format("{} {}{}", to_string(level), subject_, on_one_line(text));
  if (logging_.sink) return logging_.sink(level, line);
  const std::tm now = fmt::localtime(std::time(nullptr));
  const std::string timed = fmt::format("{:%Y/%m/%d %H:%M:%S} {}\n", now, line);
  std::fwrite(timed.data(), 1, timed.size(), stderr);
}

}  // namespace client
}  // namespace nsq
