#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "nsq/result.h"
#include "storage/chunk.h"
#include "storage/file_system.h"
#include "storage/record.h"

namespace nsq::storage {

// One file of a log, for reading. Which part of it may be read, the log says with each call; the
// file itself may meanwhile grow, and may be removed: an open one can still be read.
//
// Finding a record needs no index on disk: records carry their index, so that the place is found by
// halving, and what was learned is remembered.
//
// Threading: shared. Calls block on the disk.
class Segment {
 public:
  // What may be read: the file's records have indexes below `end` and lie in its first `bytes`.
  struct Extent {
    Index end = 0;
    std::uint64_t bytes = 0;
  };

  Segment(FileSystem& files, std::string path, Index first, LogIdentity identity);

  const std::string& path() const { return path_; }
  Index first() const { return first_; }
  const LogIdentity& identity() const { return identity_; }

  // The file, opened at the first use.
  Result<std::shared_ptr<File>> file();
  // For a segment just created by the log: its file, open for writing.
  void set_file(std::shared_ptr<File> file);

  // The records from `from` on, about `max_bytes` of them and at least one, if there are any left.
  // Its range ends where reading stopped, or at the extent's end. Adds the number of places where
  // bytes did not make sense to `damaged`.
  Result<std::shared_ptr<Chunk>> read(Index from, std::size_t max_bytes, Extent extent,
                                      std::uint64_t& damaged);

  // Remembers that the record of `index`, or the next behind it, stands at `offset`.
  void note_place(Index index, std::uint64_t offset);

 private:
  struct Place {
    Index index;
    std::uint64_t offset;
  };
  Result<Place> locate(File& file, Index from, Extent extent);
  std::pair<Place, std::uint64_t> known_bracket(Index from, Extent extent) const;

  FileSystem& files_;
  const std::string path_;
  const Index first_;
  const LogIdentity identity_;

  mutable Mutex mutex_;
  std::shared_ptr<File> file_ NSQ_GUARDED_BY(mutex_);
  std::map<Index, std::uint64_t> places_ NSQ_GUARDED_BY(mutex_);
};

}  // namespace nsq::storage
