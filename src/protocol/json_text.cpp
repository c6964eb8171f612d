#include "protocol/json_text.h"

#include <optional>

#include "protocol/utf8.h"

namespace nsq::protocol {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD
constexpr std::size_t kUnicodeEscapeBytes = 6;             // \uXXXX

// The unit a \uXXXX at the start of `text` stands for; empty if there is none.
std::optional<unsigned> unicode_escape(std::string_view text) {
  if (text.size() < kUnicodeEscapeBytes || text[0] != '\\' || text[1] != 'u') return std::nullopt;
  unsigned unit = 0;
  for (const char c : text.substr(2, 4)) {
    const bool digit = c >= '0' && c <= '9';
    const char lower = static_cast<char>(c | 0x20);
    if (!digit && (lower < 'a' || lower > 'f')) return std::nullopt;
    unit = unit << 4 | static_cast<unsigned>(digit ? c - '0' : lower - 'a' + 10);
  }
  return unit;
}

bool is_high_surrogate(std::optional<unsigned> unit) {
  return unit && *unit >= 0xd800 && *unit <= 0xdbff;
}

bool is_low_surrogate(std::optional<unsigned> unit) {
  return unit && *unit >= 0xdc00 && *unit <= 0xdfff;
}

// How many bytes of `text`, which begins with a backslash, belong together: an escape, a pair of
// surrogates, or the backslash and what follows it. `lone` tells a surrogate without its partner.
std::size_t escape_bytes(std::string_view text, bool& lone) {
  const auto unit = unicode_escape(text);
  lone = is_low_surrogate(unit);
  if (is_high_surrogate(unit)) {
    lone = !is_low_surrogate(unicode_escape(text.substr(kUnicodeEscapeBytes)));
    return lone ? kUnicodeEscapeBytes : 2 * kUnicodeEscapeBytes;
  }
  if (unit) return kUnicodeEscapeBytes;
  // An escaped backslash must not be taken for the beginning of the next escape.
  return text.size() > 1 && static_cast<unsigned char>(text[1]) < 0x80 ? 2 : 1;
}

}  // namespace

std::string with_valid_unicode(std::string_view json) {
  std::string text;
  text.reserve(json.size());
  while (!json.empty()) {
    bool replace = false;
    std::size_t bytes = 1;
    if (json.front() == '\\') {
      bytes = escape_bytes(json, replace);
    } else {
      const CodePoint point = decode_utf8(json);
      replace = point.bytes == 0;
      bytes = replace ? 1 : point.bytes;
    }
    text += replace ? kReplacement : json.substr(0, bytes);
    json.remove_prefix(bytes);
  }
  return text;
}

}  // namespace nsq::protocol
