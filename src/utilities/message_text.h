#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace nsq::utilities {

enum class MessageFormat {
  Plain,  // the body as it is
  Json,   // an object with all there is to know
  Hex,    // the body's bytes in hexadecimal
};

// What can be printed of a message. Views of the caller's.
struct MessageParts {
  std::string_view topic;
  std::string_view id;
  std::int64_t timestamp_ns = 0;  // when it was published
  std::uint16_t attempts = 0;
  std::string_view source;  // the daemon it came from
  std::string_view body;
};

struct MessageLayout {
  MessageFormat format = MessageFormat::Plain;
  bool print_topic = false;  // before the body; an object has it anyway
  bool colour = false;       // for a terminal: the topic stands out
};

// Adds a message's line, with its end, to the text.
//
// An object has its body as "body" if that is UTF-8, otherwise as "body_hex": JSON has no other
// bytes.
void append_message(std::string& text, const MessageParts& message, const MessageLayout& layout);

}  // namespace nsq::utilities
