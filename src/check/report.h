#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "storage/index.h"

// What a data directory holds and what is wrong with it. Plain values; paths are within the data
// path.
namespace nsq::check {

struct SegmentReport {
  std::string path;
  storage::Index first = 0;
  std::uint64_t bytes = 0;
  std::uint64_t records = 0;
  std::uint64_t damaged_places = 0;  // runs of bytes that are no record
  std::uint64_t damaged_bytes = 0;
  std::uint64_t torn_bytes = 0;  // what a crash leaves at the end: never acknowledged as lasting
  bool header_damaged = false;

  bool damaged() const { return header_damaged || damaged_places > 0; }
};

struct JournalReport {
  std::string path;
  std::uint64_t bytes = 0;  // 0: there is none
  std::uint64_t entries = 0;
  std::uint64_t unreadable_bytes = 0;  // between entries that can be read
  std::uint64_t torn_bytes = 0;        // behind them
  bool header_damaged = false;
  bool clean = false;  // the process that wrote it stopped in good order

  bool damaged() const { return header_damaged || unreadable_bytes > 0; }
};

struct ChannelReport {
  std::string name;
  std::uint64_t depth = 0;  // messages to be delivered, the deferred ones not among them
  std::uint64_t deferred = 0;
  std::uint64_t retried = 0;  // of both, those with attempts behind them
  std::uint64_t missing = 0;  // not finished, and not in any segment
  bool paused = false;
};

struct TopicReport {
  std::string name;
  std::string directory;  // empty: nothing was ever written
  std::vector<SegmentReport> segments;
  JournalReport journal;
  std::vector<ChannelReport> channels;  // by name
  std::uint64_t records = 0;
  std::uint64_t body_bytes = 0;
  storage::Index first = 0;  // of the messages; both 0 if there are none
  storage::Index last = 0;
  std::uint64_t depth = 0;  // messages that wait at the topic
  bool paused = false;
  std::vector<std::string> set_aside;  // files a daemon could not read
  std::vector<std::string> leftovers;  // of interrupted work, which the next start removes

  bool damaged() const;
};

struct DirectoryReport {
  std::string data_path;
  bool in_use = false;  // by a running daemon: what it writes now may look torn
  bool metadata_found = false;
  std::string metadata_problem;     // nsqd.dat cannot be read, and why
  std::vector<TopicReport> topics;  // by name

  bool damaged() const;
};

inline bool TopicReport::damaged() const {
  bool any = journal.damaged();
  for (const SegmentReport& segment : segments) any = any || segment.damaged();
  for (const ChannelReport& channel : channels) any = any || channel.missing > 0;
  return any;
}

inline bool DirectoryReport::damaged() const {
  bool any = !metadata_problem.empty();
  for (const TopicReport& topic : topics) any = any || topic.damaged();
  return any;
}

// For people, several lines.
std::string to_text(const DirectoryReport& report);
// For programs, one line.
std::string to_json(const DirectoryReport& report);

}  // namespace nsq::check
