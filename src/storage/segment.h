#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "nsq/result.h"
#include "storage/chunk.h"
#include "storage/file_system.h"
#include "storage/record.h"

namespace nsq::storage {

// "00000000000000001000.log": the file that begins at this index.
std::string segment_file_name(Index first);

// One file of a log, for reading. Which part of it may be read, the log says with each call; the
// file itself may meanwhile grow.
//
// Finding a record needs no index on disk: records carry their index, so that the place is found by
// halving, and what was learned is remembered.
//
// The file is opened for each read and closed behind it, since a long backlog has more files than a
// process may hold open. While it is written to, and once it is to be replaced or removed, it is
// kept open, so that whoever still reads goes on seeing what it was.
//
// Threading: shared. Calls block on the disk.
class Segment {
 public:
  // What may be read: the file's records have indexes below `end` and lie in its first `bytes`.
  struct Extent {
    Index end = 0;
    std::uint64_t bytes = 0;
  };

  Segment(FileSystem& files, std::string path, Index first, const SegmentHeader& header);

  const std::string& path() const { return path_; }
  Index first() const { return first_; }
  const LogIdentity& identity() const { return header_.identity; }
  bool sealed() const { return header_.sealed; }

  // The file, open for reading at least.
  Result<std::shared_ptr<File>> file();
  // Uses this open file from now on; none: opens it when it is read.
  void keep_open(std::shared_ptr<File> file);
  // To be called before the path is removed or another file gets its name.
  Result<void> keep_open();

  // The records from `from` on, about `max_bytes` of them and at least one, if there are any left.
  // Its range ends where reading stopped, or at the extent's end. Adds the number of places where
  // bytes did not make sense to `damaged`, each place once in a segment's life.
  // Errors: I/O.
  Result<std::shared_ptr<Chunk>> read(Index from, std::size_t max_bytes, Extent extent,
                                      std::uint64_t& damaged);

  // Remembers that the record of `index`, or the next behind it, stands at `offset`.
  void note_place(Index index, std::uint64_t offset);

 private:
  struct Place {
    Index index;
    std::uint64_t offset;
  };
  struct Part;
  Result<Place> locate(File& file, Index from, std::uint64_t close_enough, Extent extent);
  std::pair<Place, std::uint64_t> known_bracket(Index from, Extent extent) const;
  Result<Part> read_part(File& file, Index from, Place start, std::size_t bytes, Extent extent,
                         std::uint64_t& damaged);
  void note_damage(std::uint64_t offset, std::uint64_t& damaged);

  FileSystem& files_;
  const std::string path_;
  const Index first_;
  const SegmentHeader header_;

  mutable Mutex mutex_;
  std::shared_ptr<File> file_ NSQ_GUARDED_BY(mutex_);  // if kept open
  std::map<Index, std::uint64_t> places_ NSQ_GUARDED_BY(mutex_);
  std::set<std::uint64_t> damage_ NSQ_GUARDED_BY(mutex_);  // the places counted
};

// The first index of the segment in a file of that name; nothing if it is no segment's name.
std::optional<Index> parse_segment_name(std::string_view name);

}  // namespace nsq::storage
