#include "utilities/notice.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cstdio>
#include <ctime>

namespace nsq::utilities {

void notice(std::string_view text) {
  const std::tm now = fmt::localtime(std::time(nullptr));
  const std::string line = fmt::format("{:%Y/%m/%d %H:%M:%S} {}\n", now, text);
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace nsq::utilities
