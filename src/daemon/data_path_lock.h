#pragma once

#include <string>

#include "nsq/result.h"

namespace nsq::daemon {

// The exclusive right to a data directory, as long as it lives. The directory itself is locked, as
// the original does, so that neither starts on the other's.
//
// Threading: confined.
class DataPathLock {
 public:
  // Errors: "failed to lock data-path: ..."; the directory is not created.
  static Result<DataPathLock> take(const std::string& directory);

  ~DataPathLock();
  DataPathLock(DataPathLock&& other) noexcept;
  DataPathLock& operator=(DataPathLock&&) = delete;

 private:
  explicit DataPathLock(int descriptor) : descriptor_(descriptor) {}

  int descriptor_;  // -1 once moved from
};

}  // namespace nsq::daemon
