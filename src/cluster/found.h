#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nsq/result.h"

namespace nsq::cluster {

// What came of asking several servers: a value from those that answered, and a line for each that
// did not.
template <typename T>
struct Found {
  T value{};
  std::vector<std::string> errors{};
};

// Nobody that was asked gave an answer, or nobody was there to be asked.
enum class ClusterErrc { NobodyAnswered = 1, NoSuchNode, BadAnswer };
std::error_code make_error_code(ClusterErrc code);

inline std::string joined(const std::vector<std::string>& texts, std::string_view separator) {
  std::string all;
  for (const std::string& text : texts) {
    if (!all.empty()) all += separator;
    all += text;
  }
  return all;
}

}  // namespace nsq::cluster

template <>
struct std::is_error_code_enum<nsq::cluster::ClusterErrc> : std::true_type {};
