#include "utilities/overview_text.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "base/json_writer.h"

namespace nsq::utilities {
namespace {

constexpr std::size_t kMinNameColumns = 24;
constexpr std::size_t kMaxNameColumns = 66;  // a valid name, indented
constexpr std::size_t kMinRows = 4;          // of terminals that say something else
constexpr std::size_t kMinColumns = 20;

// Nothing but what the columns are about: the rest is in the JSON.
struct Cells {
  std::string name{};
  std::string ingress{};
  std::string egress{};
  std::string depth{};
  std::string in_flight{};
  std::string deferred{};
  std::string clients{};
  bool paused = false;
};

std::string rate_text(const Rate& rate) {
  if (!rate) return "-";
  return *rate > -10 && *rate < 10 ? fmt::format("{:.1f}", *rate) : fmt::format("{:.0f}", *rate);
}

std::string line_of(const Cells& cells, std::size_t name_columns) {
  std::string line =
      fmt::format("{:<{}} {:>8} {:>8} {:>9} {:>9} {:>8} {:>7}", cells.name.substr(0, name_columns),
                  name_columns, cells.ingress, cells.egress, cells.depth, cells.in_flight,
                  cells.deferred, cells.clients);
  if (cells.paused) line += " paused";
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

Cells cells_of(const TopicOverview& topic) {
  return {.name = printable(topic.sum.name),
          .ingress = rate_text(topic.ingress),
          .depth = std::to_string(topic.sum.depth),
          .paused = topic.sum.paused};
}

Cells cells_of(const ChannelOverview& channel) {
  return {.name = "  " + printable(channel.sum.name),
          .ingress = rate_text(channel.ingress),
          .egress = rate_text(channel.egress),
          .depth = std::to_string(channel.sum.depth),
          .in_flight = std::to_string(channel.sum.in_flight_count),
          .deferred = std::to_string(channel.sum.deferred_count),
          .clients = std::to_string(channel.sum.client_count),
          .paused = channel.sum.paused};
}

void write_rate(JsonWriter& json, std::string_view name, const Rate& rate) {
  json.key(name);
  if (rate) {
    json.value(*rate);
  } else {
    json.null();
  }
}

void write_channel(JsonWriter& json, const ChannelOverview& channel) {
  const cluster::ChannelStats& sum = channel.sum;
  json.begin_object().member("channel_name", sum.name);
  write_rate(json, "ingress", channel.ingress);
  write_rate(json, "egress", channel.egress);
  json.member("depth", sum.depth)
      .member("backend_depth", sum.backend_depth)
      .member("in_flight_count", sum.in_flight_count)
      .member("deferred_count", sum.deferred_count)
      .member("message_count", sum.message_count)
      .member("requeue_count", sum.requeue_count)
      .member("timeout_count", sum.timeout_count)
      .member("client_count", sum.client_count)
      .member("paused", sum.paused)
      .end_object();
}

void write_topic(JsonWriter& json, const TopicOverview& topic) {
  const cluster::TopicStats& sum = topic.sum;
  json.begin_object().member("topic_name", sum.name);
  write_rate(json, "ingress", topic.ingress);
  json.member("depth", sum.depth)
      .member("backend_depth", sum.backend_depth)
      .member("message_count", sum.message_count)
      .member("paused", sum.paused)
      .key("channels")
      .begin_array();
  for (const ChannelOverview& channel : topic.channels) write_channel(json, channel);
  json.end_array().end_object();
}

}  // namespace

std::string printable(std::string_view text) {
  std::string shown(text);
  std::replace_if(
      shown.begin(), shown.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return shown;
}

std::vector<std::string> overview_lines(const std::vector<TopicOverview>& topics) {
  std::vector<Cells> table{{.name = "topic, channel",
                            .ingress = "in/s",
                            .egress = "out/s",
                            .depth = "depth",
                            .in_flight = "in flight",
                            .deferred = "deferred",
                            .clients = "clients"}};
  for (const TopicOverview& topic : topics) {
    table.push_back(cells_of(topic));
    for (const ChannelOverview& channel : topic.channels) table.push_back(cells_of(channel));
  }
  std::size_t name_columns = kMinNameColumns;
  for (const Cells& cells : table) name_columns = std::max(name_columns, cells.name.size());
  name_columns = std::min(name_columns, kMaxNameColumns);
  std::vector<std::string> lines;
  lines.reserve(table.size());
  for (const Cells& cells : table) lines.push_back(line_of(cells, name_columns));
  return lines;
}

std::string overview_json(const std::vector<TopicOverview>& topics, Timestamp taken,
                          const std::vector<std::string>& errors) {
  JsonWriter json;
  const std::tm utc = fmt::gmtime(static_cast<std::time_t>(taken.seconds()));
  json.begin_object().member("time", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", utc));
  json.key("topics").begin_array();
  for (const TopicOverview& topic : topics) write_topic(json, topic);
  json.end_array().key("errors").begin_array();
  for (const std::string& error : errors) json.value(error);
  json.end_array().end_object();
  return json.take_text() + "\n";
}

std::string Screen::draw(std::vector<std::string> lines, std::size_t rows, std::size_t columns) {
  // The cursor needs a line of its own, and the last column would break the line on some terminals.
  const std::size_t room = std::max(rows, kMinRows) - 1;
  const std::size_t width = std::max(columns, kMinColumns) - 1;
  if (lines.size() > room) {
    const std::size_t hidden = lines.size() - (room - 1);
    lines.resize(room - 1);
    lines.push_back(fmt::format("({} more lines; --once shows all)", hidden));
  }
  std::string text;
  if (drawn_ > 0) text += fmt::format("\x1b[{}F", drawn_);  // up, to the start of our first line
  for (const std::string& line : lines) {
    text += line.substr(0, width);
    text += "\x1b[K\n";  // what is left of the line before
  }
  text += "\x1b[J";  // and of the lines below
  drawn_ = lines.size();
  return text;
}

}  // namespace nsq::utilities
