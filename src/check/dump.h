#pragma once

#include <optional>
#include <string>

#include "check/inspection.h"

namespace nsq::check {

// How messages are printed.
enum class DumpFormat {
  Plain,  // the body and a newline
  Json,   // an object per line; a body that is not UTF-8 as "body_hex"
  Hex,    // topic, id and the body in hexadecimal, a line each
};
std::optional<DumpFormat> parse_dump_format(std::string_view name);

// One message as a line, the newline included.
std::string format_message(const Found& found, DumpFormat format);

// Prints messages to standard output: of all topics or of one, and if a channel is named, those
// that it has not finished. Status as for check().
int dump(Inspection& inspection, const std::string& topic, const std::string& channel,
         DumpFormat format, Timestamp now);

}  // namespace nsq::check
