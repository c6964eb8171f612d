#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/instant.h"
#include "broker/journal_entries.h"
#include "check/report.h"
#include "nsq/result.h"
#include "storage/file_system.h"
#include "storage/record.h"

namespace nsq::check {

// A segment's file, and by what header its records are read: its own, or if that is damaged, that
// of its neighbours.
struct SegmentFile {
  std::string path;  // as the file system takes it
  storage::Index first = 0;
  storage::Index end = 0;  // where the next one begins
  std::uint64_t bytes = 0;
  bool header_damaged = false;
  std::optional<storage::SegmentHeader> header;  // none: nobody knows
};

// A record that was found sound, and whose it is.
struct Found {
  const std::string& topic;
  const storage::Record& record;
};
using Visit = std::function<void(const Found&)>;
// Told of how many bytes were just read.
using Progress = std::function<void(std::uint64_t bytes)>;

// One topic's directory, read and never written.
//
// Threading: confined. Calls block on the disk.
class TopicReader {
 public:
  // `directory` as the file system takes it; `prefix` is what reports leave out of paths.
  TopicReader(storage::FileSystem& files, std::string topic, std::string directory,
              std::size_t prefix);

  // Finds the files and reads the journal.
  // Errors: I/O, or NewerFormat.
  Result<void> open();
  // Reads every record, calling `visit` with those that are sound, and counts what the channels
  // still have to get as of `now`. Requires: open. Errors: I/O.
  Result<TopicReport> read(Timestamp now, const Visit& visit, const Progress& progress);

  const std::vector<SegmentFile>& segments() const { return segments_; }
  const broker::TopicRecord& record() const { return record_; }
  std::string journal_path() const { return directory_ + "/journal"; }
  std::uint64_t bytes() const;

 private:
  struct Count;

  Result<void> find_segments();
  Result<void> find_journal();
  Result<SegmentReport> read_segment(const SegmentFile& file, Count& count, const Visit& visit,
                                     const Progress& progress);
  bool is_settled(const SegmentFile& file, std::uint64_t offset) const;
  void note_end(const SegmentFile& file, std::uint64_t sound_end, SegmentReport& report) const;

  storage::FileSystem& files_;
  const std::string topic_;
  const std::string directory_;
  const std::size_t prefix_;
  std::vector<SegmentFile> segments_;
  broker::TopicRecord record_;
  TopicReport report_;
};

}  // namespace nsq::check
