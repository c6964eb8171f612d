#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace nsq::utilities {

// A message's body read as JSON, with the text of its numbers kept as it was.
//
// Everything is validated: names and strings are unescaped, numbers fit a double. More than 1000
// levels of nesting count as no JSON. Bytes that are not UTF-8, and escapes of lone surrogates, are
// taken for U+FFFD, as the original's decoder does.
//
// Threading: confined. Views in nodes are valid until the next `parse`.
class JsonTree {
 public:
  enum class Kind : std::uint8_t { Object, Array, Text, Number, True, False, Null };
  static constexpr std::uint32_t kNone = UINT32_MAX;

  struct Node {
    Kind kind;
    std::string_view name{};             // of a member
    std::string_view text{};             // of a Text, unescaped; of a Number, as it was
    double number = 0;                   // of a Number
    std::uint32_t first_child = kNone;   // index of the first member or element
    std::uint32_t next_sibling = kNone;  // of the next one in the same object or array
  };

  JsonTree();
  ~JsonTree();
  JsonTree(JsonTree&& other) noexcept;
  JsonTree& operator=(JsonTree&& other) noexcept;

  // False if it is not one JSON object; null is taken for an empty one.
  bool parse(std::string_view body);
  const Node& root() const { return nodes_.front(); }
  const Node& at(std::uint32_t index) const { return nodes_[index]; }
  // The root's member of this name, the last one if there are several; null if there is none.
  const Node* find(std::string_view name) const;

 private:
  class Reader;  // the parser; its layout depends on how a source is compiled, hence out of sight

  bool parse_valid_unicode(std::string_view body);

  std::unique_ptr<Reader> reader_;
  std::string padded_;  // the body, with what the parser wants to have behind it
  std::vector<Node> nodes_;
};

}  // namespace nsq::utilities
