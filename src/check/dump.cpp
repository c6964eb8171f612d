#include "check/dump.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "base/json_writer.h"
#include "check/check.h"
#include "protocol/message_id.h"
#include "protocol/utf8.h"

namespace nsq::check {
namespace {

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t bytes = protocol::decode_utf8(text).bytes;
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

std::string hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const char each : bytes) {
    const auto byte = static_cast<unsigned char>(each);
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

// Whether the channel still has to get the message.
bool owed(const broker::ChannelRecord& channel, storage::Index index) {
  return index >= channel.start && !channel.finished.contains(index);
}

const broker::ChannelRecord* find_channel(const Inspection& inspection, const std::string& topic,
                                          const std::string& channel) {
  for (const auto& [number, record] : inspection.topics().at(topic)->record().channels) {
    if (record.name == channel) return &record;
  }
  return nullptr;
}

}  // namespace

std::optional<DumpFormat> parse_dump_format(std::string_view name) {
  if (name == "plain") return DumpFormat::Plain;
  if (name == "json") return DumpFormat::Json;
  if (name == "hex") return DumpFormat::Hex;
  return std::nullopt;
}

std::string format_message(const Found& found, DumpFormat format) {
  const storage::Record& record = found.record;
  const std::string id = protocol::MessageId{record.id}.to_string();
  switch (format) {
    case DumpFormat::Plain:
      return std::string(record.body) + "\n";
    case DumpFormat::Hex:
      return found.topic + " " + id + " " + hex(record.body) + "\n";
    case DumpFormat::Json:
      break;
  }
  JsonWriter json;
  json.begin_object()
      .member("topic", found.topic)
      .member("index", record.index)
      .member("id", id)
      .member("timestamp", record.timestamp.nanoseconds());
  if (record.due != Timestamp{}) json.member("due", record.due.nanoseconds());
  if (is_utf8(record.body)) {
    json.member("body", record.body);
  } else {
    json.member("body_hex", hex(record.body));
  }
  json.end_object();
  return json.take_text() + "\n";
}

int dump(Inspection& inspection, const std::string& topic, const std::string& channel,
         DumpFormat format, Timestamp now) {
  bool broken = false;  // nobody reads any more
  const auto print = [&](const Found& found) {
    if (broken) return;
    if (!channel.empty()) {
      const auto* const record = find_channel(inspection, found.topic, channel);
      if (record == nullptr || !owed(*record, found.record.index)) return;
    }
    const std::string line = format_message(found, format);
    broken = std::fwrite(line.data(), 1, line.size(), stdout) != line.size();
  };
  const auto report = inspection.read(topic, now, print, [](std::uint64_t) {});
  if (!report) {
    fmt::print(stderr, "nsq check: {}\n", report.error().to_string());
    return kExitUnreadable;
  }
  if (std::fflush(stdout) != 0) return kExitUnreadable;
  return report->damaged() ? kExitDamaged : kExitSound;
}

}  // namespace nsq::check
