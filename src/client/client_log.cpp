#include "client/client_log.h"

#include <fmt/chrono.h>

#include <atomic>
#include <cstdio>
#include <ctime>

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

// What came from elsewhere must not begin a line of its own.
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
