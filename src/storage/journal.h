#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "nsq/result.h"
#include "storage/file_system.h"

namespace nsq::storage {

// A file of small entries that say what changed, replayed at the next start and rewritten from the
// present state when it has grown. What an entry means is its owner's business.
//
// An entry is valid as a whole or not at all. Format, docs/log_format.md:
//   header  8  "NSQJRNL" and a zero byte;  4 version;  4 zero;  8 seed of the checksums
//   entry   8  XXH3-64 with the seed of all that follows;  4 length;  4 zero;  n payload
//
// Threading: shared; calls follow one another and block on the disk.
class Journal {
 public:
  Journal(FileSystem& files, std::string path, std::uint64_t seed);

  // Calls `visit` with each payload, oldest first; nothing if there is no file. What cannot be read
  // ends the replay and is cut off; says how many bytes that were.
  // Errors: I/O, or NewerFormat.
  Result<std::uint64_t> replay(const std::function<void(std::string_view payload)>& visit);

  // Returns when the entry has reached the kernel. Creates the file if need be.
  Result<void> append(std::string_view payload);
  // Returns when all entries are on the disk.
  Result<void> sync();

  // Replaces everything by one entry: what `encode_state` returns. Entries appended meanwhile, from
  // before the call of `encode_state` on, are kept behind it.
  Result<void> rewrite(const std::function<std::string()>& encode_state);

  std::uint64_t bytes() const;

 private:
  Result<void> open_file() NSQ_REQUIRES(mutex_);
  std::string header() const;
  std::string entry(std::string_view payload) const;

  FileSystem& files_;
  const std::string path_;

  mutable Mutex mutex_;
  std::uint64_t seed_;
  std::unique_ptr<File> file_ NSQ_GUARDED_BY(mutex_);
  std::uint64_t bytes_ NSQ_GUARDED_BY(mutex_) = 0;  // what is valid of the file
  bool unsynced_ NSQ_GUARDED_BY(mutex_) = false;
  bool directory_unsynced_ NSQ_GUARDED_BY(mutex_) = false;
  bool rewriting_ NSQ_GUARDED_BY(mutex_) = false;
  std::string since_rewrite_ NSQ_GUARDED_BY(mutex_);  // entries appended while rewriting
};

}  // namespace nsq::storage
