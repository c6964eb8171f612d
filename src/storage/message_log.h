#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
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
  bool on_disk = true;     // false: memory only; what is not released stays in memory
  LogIdentity identity{};  // the seed is used if the directory holds no log yet
  Index first = 0;         // the first index, if the directory holds no log yet
  std::uint64_t max_bytes_per_file = 104'857'600;
  std::uint64_t window_messages = 10'000;
  std::uint64_t window_bytes = std::uint64_t{64} << 20;
};

// A place up to which a log is known to be sound, as noted by a journal.
struct LogPosition {
  Index segment = 0;         // the first index of the segment
  std::uint64_t offset = 0;  // where in its file the next record starts
  Index index = 0;           // that record's index, or a lower one
  friend bool operator==(const LogPosition&, const LogPosition&) = default;
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
// Indexes grow but are not dense: a restart goes on above everything it finds mentioned,
// at an index derived from the time, so that no message ever gets the id of another one that a
// crash has taken back. Rewriting drops finished records and keeps the indexes of the others.
//
// Threading: shared. write and drop_unwritten come from one thread at a time, as do release, remove
// and rewrite; anything else may run beside them. recover comes before all else. The lock inside is
// short and never held during I/O, but for that of sync, which waits for another sync to end.
class MessageLog {
 public:
  static constexpr std::size_t kReadBytes = std::size_t{512} << 10;

  MessageLog(FileSystem& files, std::string directory, LogOptions options);
  ~MessageLog();

  // What recover() found.
  struct Recovery {
    bool found = false;  // there was a log
    Index begin = 0;     // no record is before
    Index end = 0;       // nor at or behind
    std::vector<std::pair<Index, Timestamp>>
        deferred;                 // records with a due time behind the position
    IntervalSet gaps;             // indexes behind the position that no record has
    std::uint64_t cut_bytes = 0;  // of a torn tail, removed
    std::uint64_t damaged = 0;    // places passed over
  };
  // Opens what is in the directory. Reads only what lies behind `sound`; all of it without one.
  // That counts as unsynced: the process that wrote it may not have come to syncing it.
  // There, batches that are not complete are taken out, for a crash may have left them; a damaged
  // record before it is passed over alone.
  // Errors: I/O, or NewerFormat for files of a version this program does not know, nothing having
  // been changed.
  Result<Recovery> recover(std::optional<LogPosition> sound);

  // --- writing ---------------------------------------------------------------------------------

  // Appends one batch, all or none of which will survive a crash. O(bytes).
  // Requires: at least one body, each shorter than 4 GiB.
  IndexRange append(std::span<const std::string_view> bodies, Timestamp timestamp, Timestamp due);
  // The next record gets this index, or a higher one.
  void skip_to(Index index);
  Index end() const;

  // Writes what was appended before the call, or a good part of it; returns the end of what is
  // written now.
  // Errors: I/O. Then nothing of it counts as written; call again or drop_unwritten(). The file is
  // not written to again, so that remains of the failed write never mix with later ones.
  Result<Index> write();
  bool has_unwritten() const;
  // Whether the latest write() waited for the device, as File says.
  bool writing_waited() const { return writing_waited_.load(std::memory_order_relaxed); }
  // More is unwritten than the window should hold.
  bool must_spill() const;
  // Takes back what was appended and not written; returns where the log ends now.
  Index drop_unwritten();

  // Returns when all that write() has finished with is on the disk; says up to where that is.
  // Errors: I/O. What was to be synced may then be lost although it can be read still, and a sync
  // that succeeds later would prove nothing: the system forgets that it could not write. So that
  // file is not written to again, and no later call succeeds before the file was replaced by a
  // copy, made of what can be read of it and synced, or has been released. Damaged: such a copy
  // lacks records. This is said once; what is left is on the disk.
  Result<LogPosition> sync();
  bool has_unsynced() const;
  // Closes the file that is written to, unless something in it is unsynced; the next write opens it
  // again. For topics that are quiet, of which there may be more than files a process may have
  // open.
  void close_if_synced();

  // --- reading ---------------------------------------------------------------------------------

  // The chunk covering `index`, if that is in memory.
  std::shared_ptr<const Chunk> find_in_memory(Index index) const;
  // Records from `from` on, about so many bytes of them, read from disk. Blocks.
  // Requires: from < written end.
  Result<std::shared_ptr<const Chunk>> read(Index from, std::size_t bytes = kReadBytes);
  // Just these records, in one chunk; what does not exist is missing. Blocks. Requires: ascending.
  Result<std::shared_ptr<const Chunk>> read_each(std::span<const Index> indexes);

  // The first index that is in memory, end() if none is.
  Index window_begin() const;
  std::uint64_t disk_bytes() const;
  std::uint64_t damaged() const;

  // --- giving up space -------------------------------------------------------------------------

  // Nothing below `floor` will be read again. Frees memory at once; returns the segments that can
  // go, those that could not be removed before among them, to be passed to remove(). Callers make
  // sure first that the journal says so too.
  std::vector<std::shared_ptr<Segment>> release(Index floor);
  // Of a log in memory: it holds twice what it did after the last compact(), and more than the
  // window is to.
  bool should_compact() const;
  // Frees the memory of records that only wait for earlier ones to be released: keeps those that
  // `live` names, which is asked for one chunk after the other. O(what is in memory). To be called
  // like release(), with nobody appending.
  void compact(const std::function<IntervalSet(IndexRange)>& live);
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
    bool counted = true;   // `records` is exact, not the most there can be
    bool copying = false;  // a copy that will replace the file is being made
  };
  using Segments = std::map<Index, SegmentEntry>;
  struct Unsynced {
    std::shared_ptr<Segment> segment;
    std::shared_ptr<File> file;  // none: to be opened for it
  };
  struct Pieces;

  // message_log.cpp
  Chunk& chunk_with_room(std::size_t bytes) NSQ_REQUIRES(mutex_);
  void shrink_window() NSQ_REQUIRES(mutex_);
  void drop_oldest_chunk() NSQ_REQUIRES(mutex_);
  std::optional<SegmentEntry> segment_for(Index index) const NSQ_REQUIRES(mutex_);
  Index gap_end(Index index) const NSQ_REQUIRES(mutex_);
  Result<std::shared_ptr<const Chunk>> read_near(Index index);

  // message_log_writing.cpp
  Pieces collect_unwritten() const NSQ_REQUIRES(mutex_);
  Result<std::shared_ptr<File>> start_segment(Index first);
  Result<std::shared_ptr<File>> resume_segment(const std::shared_ptr<Segment>& segment);
  void note_written(const Pieces& pieces) NSQ_REQUIRES(mutex_);
  void note_unsynced(std::shared_ptr<Segment> segment, std::shared_ptr<File> file)
      NSQ_REQUIRES(mutex_);
  void give_up_segment(const std::shared_ptr<File>& file);
  Result<void> sync_files(std::vector<Unsynced> files);
  Result<void> sync_directories();
  Result<void> mend_unsafe_segments() NSQ_REQUIRES(sync_mutex_);
  std::string segment_path(Index first) const;

  // message_log_space.cpp
  void forget_segment(Segments::iterator segment) NSQ_REQUIRES(mutex_);
  Result<std::uint64_t> replace_segment(Index first, const IntervalSet& keep);

  // message_log_recovery.cpp
  Result<void> open_segments(Recovery& recovery);
  Result<Index> scan(SegmentEntry& entry, const std::optional<LogPosition>& sound,
                     Recovery& recovery);
  Result<void> remove_empty(Segments& segments);

  FileSystem& files_;
  const std::string directory_;
  LogOptions options_;  // changed by recover() only

  mutable Mutex mutex_;
  std::deque<WindowChunk> window_ NSQ_GUARDED_BY(mutex_);
  std::size_t window_bytes_ NSQ_GUARDED_BY(mutex_) = 0;
  std::size_t compacted_bytes_ NSQ_GUARDED_BY(mutex_) = 0;  // of them, after the last compact()
  std::size_t next_chunk_bytes_ NSQ_GUARDED_BY(mutex_);
  Index end_ NSQ_GUARDED_BY(mutex_);
  Index written_end_ NSQ_GUARDED_BY(mutex_);  // what is before is written, or need not be any more
  Segments segments_ NSQ_GUARDED_BY(mutex_);
  // The last segment's file, if it may be written to. Not replaced while `writing_`.
  std::shared_ptr<File> active_ NSQ_GUARDED_BY(mutex_);
  bool resumable_ NSQ_GUARDED_BY(mutex_) = false;  // it may, but is closed
  bool writing_ NSQ_GUARDED_BY(mutex_) = false;    // a write() is under way, without the lock
  std::vector<Unsynced> unsynced_ NSQ_GUARDED_BY(mutex_);
  std::set<Index> unsafe_ NSQ_GUARDED_BY(mutex_);  // segments whose sync has failed
  std::vector<std::shared_ptr<Segment>> released_ NSQ_GUARDED_BY(mutex_);  // not removed yet
  bool directory_unsynced_ NSQ_GUARDED_BY(mutex_) = false;
  bool parent_unsynced_ NSQ_GUARDED_BY(mutex_) = false;
  std::uint64_t damaged_ NSQ_GUARDED_BY(mutex_) = 0;

  std::atomic<bool> writing_waited_{false};
  bool directory_made_ = false;  // the writer's own; see Threading

  Mutex sync_mutex_;  // held by sync() throughout; before mutex_
};

}  // namespace nsq::storage
