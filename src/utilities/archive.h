#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/instant.h"
#include "nsq/result.h"
#include "utilities/archive_disk.h"
#include "utilities/file_names.h"
#include "utilities/gzip_encoder.h"

namespace nsq::utilities {

struct ArchiveOptions {
  std::string output_dir = "/tmp";
  std::string
      work_dir{};  // empty: output_dir; otherwise files are written here and moved when done
  bool gzip = false;
  int gzip_level = 6;
  bool skip_empty_files = false;  // no file is made before there is a message for it
  std::int64_t rotate_size = 0;   // a new file after more uncompressed bytes; 0: never
  Duration rotate_interval{0};    // a new file when the last one is older; 0: never

  bool is_moved() const { return !work_dir.empty() && work_dir != output_dir; }
  // Whether files are numbered: only then may one have to follow another of the same name.
  bool has_revisions() const {
    return gzip || rotate_size > 0 || rotate_interval > Duration::zero() || is_moved();
  }
};

// Whether an error may pass by itself: the disk, or somebody's share of it, is full.
bool is_lack_of_room(const Error& error);

// One topic's records in files, one line each: which file, when the next one, and what is certain
// to be on the disk.
//
// After a failure that is_lack_of_room the archive may be used on, when the caller has called
// `discard_unsynced`; after any other it is to be left.
//
// Threading: confined. Its calls block: no event loop may make them.
class Archive {
 public:
  // `subject` begins the log lines: "[topic/channel]". The disk outlives the archive.
  Archive(std::string subject, ArchiveOptions options, FileNames names, ArchiveDisk& disk);

  // Adds a record, in a new file if one is due: what was in the last one is synced then. True if a
  // file was opened. Large amounts are written right away, the rest by `write`.
  Result<bool> append(std::string_view record, Moment now);
  // Hands to the operating system what was added. With gzip that waits for `sync`.
  Result<void> write();
  // All records added are on the disk from now on.
  Result<void> sync();
  // Every so often: the next file, if one is due; or only the end of the last one, if files are to
  // wait for a record.
  Result<void> tick(Moment now);
  // Syncs and ends the file; the next record opens one again.
  Result<void> close();

  // Records added and not known to be on the disk are forgotten, and their bytes removed again.
  void discard_unsynced();

  // Records since the beginning: added, and of these, in the same order, on the disk.
  std::uint64_t appended() const { return appended_; }
  std::uint64_t synced() const { return synced_; }
  // The file that is open, or was last; empty if there was none.
  const std::string& path() const { return path_; }

 private:
  struct Finished {  // a file that is to be moved
    std::string path;
    std::string name;
    std::uint64_t revision;
  };

  bool is_due(Moment now);
  Result<void> open_next(Moment now);
  Result<bool> try_open(const std::string& name);
  Result<void> end_file();
  Result<void> move_finished();
  Result<void> move(const Finished& file);
  std::string in_directory(const std::string& directory, const std::string& name,
                           std::uint64_t revision) const;
  const std::string& work_dir() const;
  const std::string& current_name(Moment now);

  const std::string subject_;
  const ArchiveOptions options_;
  const FileNames names_;
  ArchiveDisk& disk_;

  std::unique_ptr<ArchiveFile> file_;  // null: none is open
  std::string path_;
  std::string name_;  // of it, with <REV> in it
  std::uint64_t revision_ = 0;
  Instant opened_at_;
  std::vector<Finished> finished_;

  std::string expanded_;  // the name of this second
  std::int64_t expanded_second_ = -1;

  std::string buffer_;                 // encoded and not written
  std::unique_ptr<GzipEncoder> gzip_;  // null: plain
  bool is_in_member_ = false;
  std::uint64_t appended_ = 0;
  std::uint64_t synced_ = 0;
  std::uint64_t text_bytes_ = 0;  // before compression, what was there at the opening included
  std::uint64_t synced_text_bytes_ = 0;
  std::uint64_t written_bytes_ = 0;  // the file's length, unless a write has failed
  std::uint64_t synced_bytes_ = 0;
};

}  // namespace nsq::utilities
