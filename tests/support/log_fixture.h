#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nsq/result.h"
#include "storage/message_log.h"
#include "support/memory_file_system.h"

namespace nsq::test {

using Bodies = std::map<storage::Index, std::string>;

// Reads a log as a channel does: from memory where it is there, else from disk, chunk by chunk.
// Requires: end not beyond what is written (or appended, if in memory only).
Result<Bodies> read_bodies(storage::MessageLog& log, storage::Index from, storage::Index end);

// A log on a file system in memory, which can be left and opened again in various ways.
class LogFixture {
 public:
  static inline const std::string kDirectory = "data/topic";

  explicit LogFixture(storage::LogOptions options = {});

  // Opens the log anew: on the same files, or on those that a crash leaves.
  Result<storage::MessageLog::Recovery> reopen(
      std::optional<storage::LogPosition> sound = std::nullopt);
  void crash();                                                       // kill -9
  void lose_power(std::optional<std::uint64_t> seed = std::nullopt);  // see MemoryFileSystem

  // Appends batches; what they hold is noted in `bodies`.
  storage::IndexRange append(std::string_view body);
  storage::IndexRange append_batch(const std::vector<std::string>& bodies,
                                   Timestamp due = Timestamp{});
  // The same, written at once. False if it could not be, and was taken back.
  bool publish(std::string_view body);
  bool publish_batch(const std::vector<std::string>& bodies);
  bool write_all();

  // All the log has from `from` on. Errors are thrown.
  Bodies read_all(storage::Index from = 0);
  // The content of each file in the log's directory, by name.
  std::map<std::string, std::string> contents();
  // The paths of the segments' files, oldest first.
  std::vector<std::string> segment_paths();

  std::vector<std::unique_ptr<MemoryFileSystem>> past;  // of logs that may still be around
  std::unique_ptr<MemoryFileSystem> files;
  storage::LogOptions options;
  std::unique_ptr<storage::MessageLog> log;
  Bodies bodies;
};

}  // namespace nsq::test
