#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/instant.h"
#include "nsq/result.h"
#include "storage/file_system.h"
#include "storage/message_log.h"
#include "storage/record.h"

namespace nsq::storage {

// Writes a log from its first record to its last, in a directory in which there was none: for
// messages that come from elsewhere. A MessageLog opens it once it is finished; until then it is
// nobody else's.
//
// Threading: confined. Every call may block on the disk, and takes the memory of one buffer.
class LogBuilder {
 public:
  // The directory must exist. The first record gets the index `first`.
  LogBuilder(FileSystem& files, std::string directory, LogIdentity identity, Index first,
             std::uint64_t max_bytes_per_file);

  // Errors, of both: I/O. Then what is in the directory is of no use.
  Result<void> append(std::uint64_t id, Timestamp timestamp, std::string_view body);
  // Returns when everything is on the disk, names included, and where it ends.
  // Requires: something was appended.
  Result<LogPosition> finish();

  Index end() const { return end_; }

 private:
  Result<void> start_segment();
  Result<void> flush();
  Result<void> finish_segment();

  FileSystem& files_;
  const std::string directory_;
  const LogIdentity identity_;
  const std::uint64_t max_bytes_per_file_;
  Index end_;

  std::unique_ptr<File> file_;  // null before the first record
  Index segment_ = 0;           // its first index
  std::uint64_t written_ = 0;   // bytes of it that are in the file
  std::string buffer_;          // those that are not
};

}  // namespace nsq::storage
