#include "protocol/quote.h"

#include <fmt/format.h>

#include <iterator>

#include "protocol/utf8.h"

namespace nsq::protocol {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

// Separators, formatting marks, surrogates, private use and non-characters. Code points that
// Unicode has not assigned yet are left out: which those are changes every year.
constexpr Range kInvisible[] = {
    {0x80, 0xa0},       {0xad, 0xad},       {0x600, 0x605},     {0x61c, 0x61c},
    {0x6dd, 0x6dd},     {0x70f, 0x70f},     {0x890, 0x891},     {0x8e2, 0x8e2},
    {0x1680, 0x1680},   {0x180e, 0x180e},   {0x2000, 0x200f},   {0x2028, 0x202f},
    {0x205f, 0x206f},   {0x3000, 0x3000},   {0xd800, 0xf8ff},   {0xfdd0, 0xfdef},
    {0xfeff, 0xfeff},   {0xfff0, 0xfffb},   {0xfffe, 0xffff},   {0x110bd, 0x110bd},
    {0x110cd, 0x110cd}, {0x13430, 0x1343f}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a},
    {0x1fffe, 0x1ffff}, {0xe0000, 0xe00ff}, {0xe01f0, 0x10ffff}};

bool is_printable(char32_t c) {
  if (c < 0x80) return c >= 0x20 && c != 0x7f;
  for (const Range& range : kInvisible) {
    if (c >= range.first && c <= range.last) return false;
  }
  return true;
}

// The letter of a C escape, or 0.
char short_escape(char32_t c) {
  switch (c) {
    case '"':
    case '\\':
      return static_cast<char>(c);
    case '\a':
      return 'a';
    case '\b':
      return 'b';
    case '\f':
      return 'f';
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    case '\v':
      return 'v';
    default:
      return 0;
  }
}

void append_escaped(std::string& quoted, char32_t c) {
  const auto value = static_cast<std::uint32_t>(c);
  const auto out = std::back_inserter(quoted);
  if (const char letter = short_escape(c)) {
    quoted += '\\';
    quoted += letter;
  } else if (value < 0x80) {
    fmt::format_to(out, "\\x{:02x}", value);
  } else if (value < 0x10000) {
    fmt::format_to(out, "\\u{:04x}", value);
  } else {
    fmt::format_to(out, "\\U{:08x}", value);
  }
}

}  // namespace

std::string quote(std::string_view text) {
  std::string quoted = "\"";
  while (!text.empty()) {
    const CodePoint point = decode_utf8(text);
    if (point.bytes == 0) {
      fmt::format_to(std::back_inserter(quoted), "\\x{:02x}",
                     static_cast<unsigned char>(text.front()));
      text.remove_prefix(1);
      continue;
    }
    if (short_escape(point.value) != 0 || !is_printable(point.value)) {
      append_escaped(quoted, point.value);
    } else {
      quoted += text.substr(0, point.bytes);
    }
    text.remove_prefix(point.bytes);
  }
  return quoted + '"';
}

}  // namespace nsq::protocol
