#include "check/inspection.h"

#include <algorithm>

#include "protocol/names.h"

namespace nsq::check {

Inspection::Inspection(storage::FileSystem& files, std::string data_path)
    : files_(files), data_path_(std::move(data_path)) {}

Result<void> Inspection::open() {
  auto top = files_.list(data_path_);
  if (!top) return top.error();
  metadata_found_ = files_.exists(metadata_path());
  if (metadata_found_) {
    const auto text = storage::read_file(files_, metadata_path());
    if (!text) return text.error();
    auto metadata = broker::Metadata::from_json(*text);
    if (metadata) metadata_ = std::move(*metadata);
    if (!metadata) metadata_problem_ = metadata.error().to_string();
  }
  const std::string topics = data_path_ + "/topics";
  if (!files_.exists(topics)) return {};
  auto names = files_.list(topics);
  if (!names) return names.error();
  // Of two directories of a topic, the later one counts.
  std::sort(names->begin(), names->end(), [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
  });
  for (const std::string& name : *names) {
    const auto at = name.rfind('@');
    if (at == std::string::npos || !protocol::is_valid_name(name.substr(0, at))) continue;
    const std::string topic = name.substr(0, at);
    topics_[topic] =
        std::make_unique<TopicReader>(files_, topic, topics + "/" + name, data_path_.size() + 1);
  }
  for (const auto& [name, reader] : topics_) {
    if (auto opened = reader->open(); !opened) return opened;
  }
  return {};
}

std::uint64_t Inspection::bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& [name, reader] : topics_) bytes += reader->bytes();
  return bytes;
}

Result<DirectoryReport> Inspection::read(const std::string& only_topic, Timestamp now,
                                         const Visit& visit, const Progress& progress) {
  DirectoryReport report;
  report.data_path = data_path_;
  report.metadata_found = metadata_found_;
  report.metadata_problem = metadata_problem_;
  for (const auto& [name, reader] : topics_) {
    if (!only_topic.empty() && name != only_topic) continue;
    auto topic = reader->read(now, visit, progress);
    if (!topic) return topic.error();
    report.topics.push_back(std::move(*topic));
  }
  add_metadata(only_topic, report);
  return report;
}

// What only nsqd.dat knows: what is paused, and what never had anything written.
void Inspection::add_metadata(const std::string& only_topic, DirectoryReport& report) const {
  for (const auto& noted : metadata_.topics) {
    if (!only_topic.empty() && noted.name != only_topic) continue;
    auto topic = std::find_if(report.topics.begin(), report.topics.end(),
                              [&](const TopicReport& each) { return each.name == noted.name; });
    if (topic == report.topics.end()) {
      report.topics.emplace_back().name = noted.name;
      topic = std::prev(report.topics.end());
    }
    topic->paused = noted.paused;
    for (const auto& noted_channel : noted.channels) {
      auto channel =
          std::find_if(topic->channels.begin(), topic->channels.end(),
                       [&](const ChannelReport& each) { return each.name == noted_channel.name; });
      if (channel == topic->channels.end()) {
        topic->channels.emplace_back().name = noted_channel.name;
        channel = std::prev(topic->channels.end());
      }
      channel->paused = noted_channel.paused;
    }
  }
  std::sort(report.topics.begin(), report.topics.end(),
            [](const TopicReport& a, const TopicReport& b) { return a.name < b.name; });
}

}  // namespace nsq::check
