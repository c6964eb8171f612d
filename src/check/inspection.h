#pragma once

#include <map>
#include <memory>
#include <string>

#include "broker/metadata.h"
#include "check/topic_reader.h"

namespace nsq::check {

// A data directory, read and never written.
//
// Threading: confined. Calls block on the disk.
class Inspection {
 public:
  Inspection(storage::FileSystem& files, std::string data_path);

  // Finds what there is. Errors: I/O, or NewerFormat.
  Result<void> open();
  // Reads everything, or one topic if it is named; see TopicReader::read. Requires: open.
  Result<DirectoryReport> read(const std::string& only_topic, Timestamp now, const Visit& visit,
                               const Progress& progress);

  // By topic; of topics without a directory there is none.
  const std::map<std::string, std::unique_ptr<TopicReader>>& topics() const { return topics_; }
  const broker::Metadata& metadata() const { return metadata_; }
  std::string metadata_path() const { return data_path_ + "/nsqd.dat"; }
  std::uint64_t bytes() const;  // to be read

 private:
  void add_metadata(const std::string& only_topic, DirectoryReport& report) const;

  storage::FileSystem& files_;
  const std::string data_path_;
  std::map<std::string, std::unique_ptr<TopicReader>> topics_;
  broker::Metadata metadata_;
  bool metadata_found_ = false;
  std::string metadata_problem_;
};

}  // namespace nsq::check
