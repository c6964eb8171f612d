#pragma once

#include <simdjson.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>

#include "protocol/json_text.h"

// Reads the one JSON object of an IDENTIFY into a struct, by the rules that all of NSQ's documents
// follow. For this room's sources only: simdjson stays behind them.
namespace nsq::protocol {

// Each `read_member` returns false if the value is of another type or out of range.

inline bool read_member(const simdjson::dom::element& value, std::string& member) {
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) return false;
  member = text;
  return true;
}

inline bool read_member(const simdjson::dom::element& value, bool& member) {
  return value.get(member) == simdjson::SUCCESS;
}

inline bool read_member(const simdjson::dom::element& value, std::int64_t& member) {
  // A number with a point or an exponent is a double to the parser, even where it is whole.
  return value.type() != simdjson::dom::element_type::DOUBLE &&
         value.get(member) == simdjson::SUCCESS;
}

inline bool read_member(const simdjson::dom::element& value, std::int32_t& member) {
  std::int64_t wide = 0;
  if (!read_member(value, wide) || wide < std::numeric_limits<std::int32_t>::min() ||
      wide > std::numeric_limits<std::int32_t>::max())
    return false;
  member = static_cast<std::int32_t>(wide);
  return true;
}

// A member's name and where its value goes.
template <typename Document>
struct MemberRow {
  std::string_view name;
  bool (*read)(const simdjson::dom::element&, Document&);
};

template <auto Member, typename Document>
bool read_into(const simdjson::dom::element& value, Document& document) {
  return read_member(value, document.*Member);
}

inline bool equal_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

// Sets what the document has of `rows`. False if it cannot be decoded. Names match in any letter
// case, the last of several counts, unknown ones are ignored, null counts as absence.
template <typename Document>
bool read_document(std::string_view json, std::span<const MemberRow<Document>> rows,
                   Document& document) {
  const std::string text = with_valid_unicode(json);
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(text).get(root) != simdjson::SUCCESS) return false;
  if (root.is_null()) return true;
  simdjson::dom::object object;
  if (root.get(object) != simdjson::SUCCESS) return false;
  for (const auto& [name, value] : object) {
    if (value.is_null()) continue;
    const auto row = std::find_if(rows.begin(), rows.end(), [&, wanted = name](const auto& each) {
      return equal_ignoring_case(each.name, wanted);
    });
    if (row != rows.end() && !row->read(value, document)) return false;
  }
  return true;
}

}  // namespace nsq::protocol
