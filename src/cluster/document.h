#pragma once

#include <simdjson.h>

#include <cstdint>
#include <string>
#include <string_view>

// Reading members out of other servers' JSON, for this room's sources only. A member that is
// missing, or of another type, is its default: versions differ, and one odd field must not hide a
// whole daemon.
namespace nsq::cluster {

// A parsed text. Bytes that are not UTF-8 are taken for U+FFFD.
//
// Threading: confined. Elements are valid as long as the document.
class Document {
 public:
  // False if it is no JSON object; `root` is then empty.
  bool parse(std::string_view text);
  const simdjson::dom::object& root() const { return root_; }

 private:
  simdjson::dom::parser parser_;
  std::string cleaned_;
  simdjson::dom::object root_;
};

std::string_view text_of(const simdjson::dom::object& object, std::string_view name);
// For counts: what is negative is 0, what is too large the largest; fractions are cut off.
std::int64_t integer_of(const simdjson::dom::object& object, std::string_view name);
double number_of(const simdjson::dom::object& object, std::string_view name);
bool flag_of(const simdjson::dom::object& object, std::string_view name);

// Calls `visit` with each object in the array of this name; other elements are passed over.
template <typename Visit>
void for_each_object(const simdjson::dom::object& object, std::string_view name, Visit visit) {
  simdjson::dom::array items;
  if (object[name].get(items) != simdjson::SUCCESS) return;
  for (const simdjson::dom::element item : items) {
    simdjson::dom::object inner;
    if (item.get(inner) == simdjson::SUCCESS) visit(inner);
  }
}

// The same for strings.
template <typename Visit>
void for_each_text(const simdjson::dom::object& object, std::string_view name, Visit visit) {
  simdjson::dom::array items;
  if (object[name].get(items) != simdjson::SUCCESS) return;
  for (const simdjson::dom::element item : items) {
    std::string_view text;
    if (item.get(text) == simdjson::SUCCESS) visit(text);
  }
}

}  // namespace nsq::cluster
