#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "nsq/result.h"
#include "storage/chunk.h"
#include "storage/file_system.h"
#include "storage/interval_set.h"
#include "storage/segment.h"

namespace nsq::storage {

struct LogOptions {
  bool on_disk = true;   // false: memory only; what is not released stays in memory
  LogIdentity identity;  // the seed is used if the directory holds no log yet
  Index first = 0;       // the first index, if the directory holds no log yet
  std::uint64_t max_bytes_per_file = 104'857'600;
  std::uint64_t window_messages = 10'000;
  std::uint64_t window_bytes = std::uint64_t{64} << 20;
};

// A place up to which a log is known to be sound, as noted by a journal.
struct LogPosition {
  Index segment = 0;         // the first index of the segment
  std::uint64_t offset = 0;  // where in its file the next record starts
  Index index = 0;           // that record's index, or a lower one
};

// One topic's messages: an append-only sequence of records in segment files, the newest also in
// memory.
//
//   removed | segments on disk ... | chunks in memory | the last chunk, growing
//           begin                  window_begin       written            end
//
// Appending only copies into memory; write() brings what was appended to the kernel and sync() to
// the disk. Readers take chunks: find_in_memory() for the window, read() for what lies behind it.
//
// Indexes grow but are not dense: an unclean restart goes on above everything it finds mentioned,
// at an index derived from the time, so that no message ever gets the id of another one that a
// crash has taken back. Rewriting drops finished records and keeps the indexes of the others.
//
// Threading: shared. append, write, drop_unwritten and skip_to come from one thread at a time, as
// do read-behind calls release and rewrite; everything else may run beside them. The lock inside is
// short and never held during I/O.
class MessageLog {
 public:
  MessageLog(FileSystem& files, std::string directory, LogOptions options);
  ~MessageLog();

  // What recover() found.
  struct Recovery {
    bool found = false;  // there was a log
    Index begin = 0;     // no record is before
    Index end = 0;       // nor at or behind
    std::vector<std::pair<Index, Timestamp>>
        deferred;                 // records with a due time behind the position
    std::uint64_t cut_bytes = 0;  // of a torn tail, removed
    std::uint64_t damaged = 0;    // places passed over
  };
  // Opens what is in the directory. Reads only what lies behind `sound`; all of it without one.
  // Errors: I/O, or NewerFormat for files of a version this program does not know.
  Result<Recovery> recover(std::optional<LogPosition> sound);

  // --- writing
  // ------------------------------------------------------------------------------------

  // Appends one batch, all or none of which will survive a crash. O(bytes).
  // Requires: at least one body.
  IndexRange append(std::span<const std::string_view> bodies, Timestamp timestamp, Timestamp due);
  // The next record gets this index, or a higher one.
  void skip_to(Index index);
  Index end() const;

  // Writes what was appended before the call; returns the end of what is written now.
  // Errors: I/O. Then nothing of it counts as written; call again or drop_unwritten().
  Result<Index> write();
  bool has_unwritten() const;
  // More is unwritten than the window should hold.
  bool must_spill() const;
  // Takes back what was appended and not written; returns where the log ends now.
  Index drop_unwritten();

  // Returns when all that write() has finished with is on the disk; says up to where that is.
  Result<LogPosition> sync();
  bool has_unsynced() const;

  // --- reading
  // ------------------------------------------------------------------------------------

  // The chunk covering `index`, if that is in memory.
  std::shared_ptr<const Chunk> find_in_memory(Index index) const;
  // Records from `from` on, read from disk. Blocks. Requires: from < written end.
  Result<std::shared_ptr<const Chunk>> read(Index from);
  // Just these records, in one chunk; what does not exist is missing. Blocks. Requires: ascending.
  Result<std::shared_ptr<const Chunk>> read_each(std::span<const Index> indexes);

  // The first index that is in memory, end() if none is.
  Index window_begin() const;
  std::uint64_t disk_bytes() const;
  std::uint64_t damaged() const;

  // --- giving up space
  // ----------------------------------------------------------------------------

  // Nothing below `floor` will be read again. Frees memory at once; returns the segments that can
  // go, to be passed to remove(). Callers make sure first that the journal says so too.
  std::vector<std::shared_ptr<Segment>> release(Index floor);
  // Removes the files. Blocks.
  Result<void> remove(const std::vector<std::shared_ptr<Segment>>& segments);

  struct SegmentState {
    Index first = 0;
    Index end = 0;
    std::uint64_t bytes = 0;
    std::uint64_t records = 0;  // at most; exact where known
  };
  // The segments that are no longer written to.
  std::vector<SegmentState> sealed_segments() const;
  // Rewrites a sealed segment with only the records in `keep`. Blocks. Readers go on undisturbed.
  // Errors: I/O, leaving the segment as it was.
  Result<void> rewrite(Index segment, const IntervalSet& keep);

 private:
  struct WindowChunk {
    std::shared_ptr<Chunk> chunk;
    std::size_t written_bytes = 0;
  };
  struct SegmentEntry {
    std::shared_ptr<Segment> segment;
    Segment::Extent extent;
    std::uint64_t records = 0;
  };
  using Segments = std::map<Index, SegmentEntry>;
  struct Pieces;

  Chunk& chunk_with_room(std::size_t bytes) NSQ_REQUIRES(mutex_);
  void shrink_window() NSQ_REQUIRES(mutex_);
  Pieces collect_unwritten() NSQ_REQUIRES(mutex_);
  Result<void> start_segment(Index first);
  std::string segment_path(Index first) const;
  Result<void> open_segments(Recovery& recovery);
  Result<void> scan(SegmentEntry& entry, std::uint64_t offset, Recovery& recovery);
  std::optional<SegmentEntry> segment_for(Index index) const;

  FileSystem& files_;
  const std::string directory_;
  LogOptions options_;

  mutable Mutex mutex_;
  std::deque<WindowChunk> window_ NSQ_GUARDED_BY(mutex_);
  std::size_t window_bytes_ NSQ_GUARDED_BY(mutex_) = 0;
  std::size_t next_chunk_bytes_ NSQ_GUARDED_BY(mutex_);
  Index end_ NSQ_GUARDED_BY(mutex_);
  Index written_end_ NSQ_GUARDED_BY(mutex_);
  Segments segments_ NSQ_GUARDED_BY(mutex_);
  bool active_ NSQ_GUARDED_BY(mutex_) = false;  // the last segment may be written to
  std::vector<std::shared_ptr<File>> unsynced_ NSQ_GUARDED_BY(mutex_);
  bool directory_unsynced_ NSQ_GUARDED_BY(mutex_) = false;
  std::uint64_t damaged_ NSQ_GUARDED_BY(mutex_) = 0;

  // The writer's own; see Threading.
  std::shared_ptr<File> active_file_;
  bool directory_made_ = false;
};

}  // namespace nsq::storage
