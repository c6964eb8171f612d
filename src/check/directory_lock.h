#pragma once

#include <optional>
#include <string>
#include <utility>

namespace nsq::check {

// The exclusive right to a data directory, against daemons, which take the same lock.
//
// Threading: confined.
class DirectoryLock {
 public:
  // Nothing if somebody else has it.
  static std::optional<DirectoryLock> take(const std::string& directory);

  ~DirectoryLock();
  DirectoryLock(DirectoryLock&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)) {}
  DirectoryLock& operator=(DirectoryLock&&) = delete;

 private:
  explicit DirectoryLock(int descriptor) : descriptor_(descriptor) {}

  int descriptor_;
};

}  // namespace nsq::check
