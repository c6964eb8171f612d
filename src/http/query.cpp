#include "http/query.h"

#include "http/percent.h"

namespace nsq::http {

bool Query::parse(std::string_view text) {
  parameters_.clear();
  decoded_.clear();
  decoded_.reserve(text.size());  // decoding never lengthens, so views into it stay valid
  while (!text.empty()) {
    const std::size_t end = text.find('&');
    const std::string_view piece = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!piece.empty() && !add(piece)) {
      parameters_.clear();
      return false;
    }
  }
  return true;
}

bool Query::add(std::string_view piece) {
  if (piece.find(';') != std::string_view::npos) return false;
  const std::size_t equals = piece.find('=');
  Parameter parameter;
  if (!decode(piece.substr(0, equals), parameter.name)) return false;
  if (equals != std::string_view::npos && !decode(piece.substr(equals + 1), parameter.value)) {
    return false;
  }
  parameters_.push_back(parameter);
  return true;
}

bool Query::decode(std::string_view text, std::string_view& decoded) {
  if (text.find_first_of("%+") == std::string_view::npos) {
    decoded = text;
    return true;
  }
  const std::size_t start = decoded_.size();
  if (!percent_decode(text, Plus::Space, decoded_)) return false;
  decoded = std::string_view(decoded_).substr(start);
  return true;
}

std::optional<std::string_view> Query::find(std::string_view name) const {
  for (const Parameter& parameter : parameters_) {
    if (parameter.name == name) return parameter.value;
  }
  return std::nullopt;
}

}  // namespace nsq::http
