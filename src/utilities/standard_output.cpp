#include "utilities/standard_output.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

namespace nsq::utilities {
namespace {

[[noreturn]] void end_by_broken_pipe() {
  std::signal(SIGPIPE, SIG_DFL);  // whoever started us may have it ignored
  std::raise(SIGPIPE);
  std::abort();
}

}  // namespace

Result<void> print_text(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
      continue;
    }
    const int error = errno;
    if (error == EINTR) continue;
    if (error == EPIPE) end_by_broken_pipe();
    return Error(
        std::error_code(error, std::generic_category()),
        fmt::format("ERROR: failed to write to standard output - {}", std::strerror(error)));
  }
  return {};
}

}  // namespace nsq::utilities
