#include "cluster/document.h"

#include <algorithm>
#include <limits>

#include "protocol/json_text.h"

namespace nsq::cluster {

using simdjson::SUCCESS;

bool Document::parse(std::string_view text) {
  root_ = {};
  simdjson::dom::element element;
  auto error = parser_.parse(text.data(), text.size()).get(element);
  if (error == simdjson::UTF8_ERROR || error == simdjson::STRING_ERROR) {
    cleaned_ = protocol::with_valid_unicode(text);
    error = parser_.parse(cleaned_).get(element);
  }
  return error == SUCCESS && element.get(root_) == SUCCESS;
}

std::string_view text_of(const simdjson::dom::object& object, std::string_view name) {
  std::string_view text;
  return object[name].get(text) == SUCCESS ? text : std::string_view();
}

std::int64_t integer_of(const simdjson::dom::object& object, std::string_view name) {
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  const auto element = object[name];
  std::int64_t number = 0;
  if (element.get(number) == SUCCESS) return std::max<std::int64_t>(number, 0);
  std::uint64_t large = 0;
  if (element.get(large) == SUCCESS) return kMost;
  double real = 0;
  if (element.get(real) != SUCCESS) return 0;
  if (real >= static_cast<double>(kMost)) return kMost;
  return real > 0 ? static_cast<std::int64_t>(real) : 0;
}

double number_of(const simdjson::dom::object& object, std::string_view name) {
  double number = 0;
  return object[name].get(number) == SUCCESS ? number : 0;
}

bool flag_of(const simdjson::dom::object& object, std::string_view name) {
  bool flag = false;
  return object[name].get(flag) == SUCCESS && flag;
}

}  // namespace nsq::cluster
