#include "utilities/message_text.h"

#include <simdjson.h>

#include "base/json_writer.h"

namespace nsq::utilities {
namespace {

constexpr std::string_view kTopicColour = "\x1b[36m";
constexpr std::string_view kPlainColour = "\x1b[0m";

void append_hex(std::string& text, std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  text.reserve(text.size() + 2 * bytes.size());
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
}

void append_topic(std::string& text, const MessageParts& message, const MessageLayout& layout) {
  if (layout.colour) text.append(kTopicColour);
  text.append(message.topic);
  if (layout.colour) text.append(kPlainColour);
  text.append(" | ");
}

void append_object(std::string& text, const MessageParts& message) {
  JsonWriter json;
  json.begin_object()
      .member("id", message.id)
      .member("timestamp", message.timestamp_ns)
      .member("attempts", message.attempts)
      .member("source", message.source)
      .member("topic", message.topic);
  if (simdjson::validate_utf8(message.body.data(), message.body.size())) {
    json.member("body", message.body);
  } else {
    std::string hex;
    append_hex(hex, message.body);
    json.member("body_hex", std::string_view(hex));
  }
  json.end_object();
  text.append(json.text());
}

}  // namespace

void append_message(std::string& text, const MessageParts& message, const MessageLayout& layout) {
  if (layout.format == MessageFormat::Json) {
    append_object(text, message);
  } else {
    if (layout.print_topic) append_topic(text, message, layout);
    if (layout.format == MessageFormat::Hex) {
      append_hex(text, message.body);
    } else {
      text.append(message.body);
    }
  }
  text += '\n';
}

}  // namespace nsq::utilities
