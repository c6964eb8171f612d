#include "daemon/data_path_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "net/net_error.h"

namespace nsq::daemon {

Result<DataPathLock> DataPathLock::take(const std::string& data_path) {
  const std::string directory = data_path.empty() ? "." : data_path;
  const int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) {
    const std::error_code code = net::system_error(errno);
    return Error(code,
                 fmt::format("failed to lock data-path: open {}: {}", directory, code.message()));
  }
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    const std::error_code code = net::system_error(errno);
    ::close(descriptor);
    return Error(code, fmt::format("failed to lock data-path: cannot flock directory {} - {} "
                                   "(possibly in use by another instance of nsqd)",
                                   directory, code.message()));
  }
  return DataPathLock(descriptor);
}

DataPathLock::~DataPathLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

DataPathLock::DataPathLock(DataPathLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

}  // namespace nsq::daemon
