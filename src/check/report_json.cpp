#include "base/json_writer.h"
#include "check/report.h"

namespace nsq::check {
namespace {

void write(JsonWriter& json, const SegmentReport& segment) {
  json.begin_object()
      .member("path", segment.path)
      .member("first_index", segment.first)
      .member("bytes", segment.bytes)
      .member("messages", segment.records)
      .member("damaged_places", segment.damaged_places)
      .member("damaged_bytes", segment.damaged_bytes)
      .member("torn_bytes", segment.torn_bytes)
      .member("header_damaged", segment.header_damaged)
      .end_object();
}

void write(JsonWriter& json, const JournalReport& journal) {
  json.begin_object()
      .member("path", journal.path)
      .member("bytes", journal.bytes)
      .member("entries", journal.entries)
      .member("unreadable_bytes", journal.unreadable_bytes)
      .member("torn_bytes", journal.torn_bytes)
      .member("header_damaged", journal.header_damaged)
      .member("clean", journal.clean)
      .end_object();
}

void write(JsonWriter& json, const ChannelReport& channel) {
  json.begin_object()
      .member("channel_name", channel.name)
      .member("depth", channel.depth)
      .member("deferred_count", channel.deferred)
      .member("retried_count", channel.retried)
      .member("missing_count", channel.missing)
      .member("paused", channel.paused)
      .end_object();
}

void write_paths(JsonWriter& json, const char* key, const std::vector<std::string>& paths) {
  json.key(key).begin_array();
  for (const std::string& path : paths) json.value(path);
  json.end_array();
}

void write(JsonWriter& json, const TopicReport& topic) {
  json.begin_object()
      .member("topic_name", topic.name)
      .member("directory", topic.directory)
      .member("messages", topic.records)
      .member("message_bytes", topic.body_bytes)
      .member("first_index", topic.first)
      .member("last_index", topic.last)
      .member("depth", topic.depth)
      .member("paused", topic.paused)
      .member("damaged", topic.damaged());
  json.key("channels").begin_array();
  for (const ChannelReport& channel : topic.channels) write(json, channel);
  json.end_array().key("segments").begin_array();
  for (const SegmentReport& segment : topic.segments) write(json, segment);
  json.end_array().key("journal");
  write(json, topic.journal);
  write_paths(json, "set_aside", topic.set_aside);
  write_paths(json, "leftovers", topic.leftovers);
  json.end_object();
}

}  // namespace

std::string to_json(const DirectoryReport& report) {
  JsonWriter json;
  json.begin_object()
      .member("data_path", report.data_path)
      .member("in_use", report.in_use)
      .member("damaged", report.damaged())
      .member("metadata_found", report.metadata_found)
      .member("metadata_problem", report.metadata_problem);
  json.key("topics").begin_array();
  for (const TopicReport& topic : report.topics) write(json, topic);
  json.end_array().end_object();
  return json.take_text();
}

}  // namespace nsq::check
