#include "utilities/splitter.h"

namespace nsq::utilities {

const std::vector<std::string_view>& Splitter::add(std::string_view chunk) {
  text_.erase(0, taken_);
  taken_ = 0;
  std::size_t searched = text_.size();
  text_.append(chunk);
  pieces_.clear();
  for (std::size_t end = text_.find(delimiter_, searched); end != std::string::npos;
       end = text_.find(delimiter_, taken_)) {
    if (end > taken_) pieces_.emplace_back(text_.data() + taken_, end - taken_);
    taken_ = end + 1;
  }
  return pieces_;
}

}  // namespace nsq::utilities
