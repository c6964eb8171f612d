#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/instant.h"

// The files in which the original keeps queues on disk, taken apart. One queue, of a topic or of a
// channel, is
//   <topic>[:<channel>].diskqueue.<number>.dat   records, one behind the other
//   <topic>[:<channel>].diskqueue.meta.dat       where reading and writing stand
// A record is, big-endian: 4 bytes length, 8 timestamp in nanoseconds, 2 attempts, 16 id in
// hexadecimal, and the body. There are no checksums; what an id looks like is the only thing to
// tell a record by.
namespace nsq::broker {

// A file name of a queue.
struct DiskqueueFile {
  enum class Kind { Data, Meta, Other };  // Other: set aside as damaged, or not quite written
  Kind kind = Kind::Other;
  std::string topic;
  std::string channel;       // empty: the topic's own queue
  std::uint64_t number = 0;  // of a data file
};
// Nothing if it is no such name, or the names in it are not valid.
std::optional<DiskqueueFile> parse_diskqueue_name(std::string_view name);

struct DiskqueueMeta {
  std::int64_t depth = 0;
  std::uint64_t read_file = 0;
  std::uint64_t read_offset = 0;
  std::uint64_t write_file = 0;
  std::uint64_t write_offset = 0;
};
std::optional<DiskqueueMeta> parse_diskqueue_meta(std::string_view text);

struct DiskqueueRecord {
  Timestamp timestamp;
  std::uint16_t attempts = 0;
  std::uint64_t id = 0;
  std::string_view body;  // not empty; valid until the next call
};

// Finds the records in a data file's bytes, which come in any pieces.
//
// Where the bytes are no record, it goes on at the next that looks like one. A length that is wrong
// although it could be right is recognised by what follows: if that is no record, and one begins
// within, the length is not believed.
//
// Threading: confined.
class DiskqueueParser {
 public:
  // The largest body that is believed, which bounds the memory this takes.
  explicit DiskqueueParser(std::size_t max_body_bytes) : max_body_bytes_(max_body_bytes) {}

  void feed(std::string_view bytes);
  // No more bytes will come.
  void end() { at_end_ = true; }
  // The next record; nothing if more bytes are needed, or at the end.
  std::optional<DiskqueueRecord> next();

  std::uint64_t damaged() const { return damaged_; }              // places passed over
  std::uint64_t skipped_bytes() const { return skipped_bytes_; }  // there

 private:
  std::string_view rest() const { return std::string_view(buffer_).substr(start_); }
  bool looks_like_record(std::string_view bytes) const;
  std::size_t find_record(std::string_view bytes, std::size_t from) const;
  std::size_t disbelieved(std::string_view record, std::size_t size) const;
  void skip(std::size_t bytes);

  const std::size_t max_body_bytes_;
  std::string buffer_;
  std::size_t start_ = 0;  // of what is not consumed, in buffer_
  bool at_end_ = false;
  bool skipping_ = false;  // the last bytes consumed were no record
  std::uint64_t damaged_ = 0;
  std::uint64_t skipped_bytes_ = 0;
};

}  // namespace nsq::broker
