#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace nsq::utilities {

// Cuts a stream, given in chunks of any size, into the pieces between delimiters; empty pieces are
// left out.
//
// Threading: confined.
class Splitter {
 public:
  explicit Splitter(char delimiter) : delimiter_(delimiter) {}

  // Adds a chunk and returns the pieces it completes. They are valid until the next call.
  const std::vector<std::string_view>& add(std::string_view chunk);
  // At the end of the stream: the piece that no delimiter ended, if there is one.
  std::string_view rest() const { return std::string_view(text_).substr(taken_); }
  std::size_t held_bytes() const { return text_.size() - taken_; }

 private:
  char delimiter_;
  std::string text_;
  std::size_t taken_ = 0;  // text_ up to here has been returned in pieces
  std::vector<std::string_view> pieces_;
};

}  // namespace nsq::utilities
