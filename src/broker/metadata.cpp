#include "broker/metadata.h"

#include <simdjson.h>

#include "base/json_writer.h"
#include "base/log.h"
#include "protocol/names.h"

namespace nsq::broker {
namespace {

using simdjson::dom::element;

bool flag(element object, const char* key) {
  bool value = false;
  return object[key].get(value) == simdjson::SUCCESS && value;
}

// The name of a topic or channel entry; empty if it has none that is valid.
std::string name_of(element entry) {
  std::string_view name;
  if (entry["name"].get(name) != simdjson::SUCCESS) return {};
  if (protocol::is_valid_name(name)) return std::string(name);
  log::warning("skipping an entry with the invalid name \"{}\" in the metadata", name);
  return {};
}

simdjson::dom::array list(element object, const char* key) {
  simdjson::dom::array entries;
  [[maybe_unused]] const auto absent = object[key].get(entries);
  return entries;
}

bool is_list_or_null(element object, const char* key) {
  element value;
  return object[key].get(value) != simdjson::SUCCESS || value.is_null() || value.is_array();
}

}  // namespace

std::string Metadata::to_json(std::string_view version) const {
  JsonWriter json;
  json.begin_object().key("topics").begin_array();
  for (const Topic& topic : topics) {
    json.begin_object().member("name", topic.name).member("paused", topic.paused);
    json.key("channels").begin_array();
    for (const Channel& channel : topic.channels) {
      json.begin_object()
          .member("name", channel.name)
          .member("paused", channel.paused)
          .end_object();
    }
    json.end_array().end_object();
  }
  json.end_array().member("version", version).end_object();
  return json.take_text();
}

Result<Metadata> Metadata::from_json(std::string_view text) {
  simdjson::dom::parser parser;
  element root;
  const auto failed = parser.parse(text.data(), text.size()).get(root);
  if (failed != simdjson::SUCCESS || !root.is_object() || !is_list_or_null(root, "topics")) {
    return Error(std::make_error_code(std::errc::invalid_argument),
                 failed != simdjson::SUCCESS ? simdjson::error_message(failed)
                                             : "not an object with a list of topics");
  }
  Metadata metadata;
  if (root["topics"].error() != simdjson::SUCCESS || !root["topics"].is_array()) return metadata;
  for (const element entry : list(root, "topics")) {
    Topic topic{name_of(entry), flag(entry, "paused"), {}};
    if (topic.name.empty()) continue;
    element channels;
    if (entry["channels"].get(channels) == simdjson::SUCCESS && channels.is_array()) {
      for (const element each : list(entry, "channels")) {
        Channel channel{name_of(each), flag(each, "paused")};
        if (!channel.name.empty()) topic.channels.push_back(std::move(channel));
      }
    }
    metadata.topics.push_back(std::move(topic));
  }
  return metadata;
}

}  // namespace nsq::broker
