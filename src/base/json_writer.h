#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace nsq {

// Writes compact JSON in the dialect of the original's encoder: no spaces, and `<`, `>`, `&`,
// U+2028 and U+2029 escaped in strings; bytes that are not UTF-8 become U+FFFD.
//
//   JsonWriter json;
//   json.begin_object().member("depth", 3).key("channels").begin_array().end_array().end_object();
//
// The caller keeps the structure right (a key before each value in an object); commas are put in
// by the writer. Threading: confined.
class JsonWriter {
 public:
  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& begin_array();
  JsonWriter& end_array();
  JsonWriter& key(std::string_view name);

  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(bool flag);
  JsonWriter& value(double number);  // shortest text that reads back the same
  template <std::integral T>
  JsonWriter& value(T number) {
    if constexpr (std::is_signed_v<T>)
      return signed_value(number);
    else
      return unsigned_value(number);
  }
  JsonWriter& null();
  // Puts a value that is JSON text already.
  JsonWriter& raw(std::string_view json);

  template <typename T>
  JsonWriter& member(std::string_view name, const T& item) {
    return key(name).value(item);
  }

  const std::string& text() const { return text_; }
  std::string take_text() { return std::move(text_); }

 private:
  JsonWriter& signed_value(std::int64_t number);
  JsonWriter& unsigned_value(std::uint64_t number);
  void before_value();
  void append_string(std::string_view text);

  std::string text_;
  bool comma_due_ = false;  // the next key or element follows another one
};

}  // namespace nsq
