#include "utilities/json_tree.h"

#include <simdjson.h>

#include <utility>

#include "protocol/json_text.h"

namespace nsq::utilities {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr std::size_t kMaxDepth = 1000;

bool is_true(simdjson::simdjson_result<bool> answer) {
  bool value = false;
  return std::move(answer).get(value) == simdjson::SUCCESS && value;
}

// Whether nothing follows what has been read.
bool is_at_end(ondemand::document& document) {
  return document.current_location().error() == simdjson::OUT_OF_BOUNDS;
}

std::string_view without_trailing_space(std::string_view token) {
  const std::size_t last = token.find_last_not_of(" \t\r\n");
  return token.substr(0, last + 1);
}

}  // namespace

// Fills the nodes.
class JsonTree::Reader {
 public:
  bool read(const simdjson::padded_string_view& text, std::vector<Node>& nodes);

 private:
  bool read_value(ondemand::value value, std::uint32_t into, std::size_t depth);
  bool read_object(ondemand::object object, std::uint32_t into, std::size_t depth);
  bool read_array(ondemand::array array, std::uint32_t into, std::size_t depth);
  std::uint32_t add_child(std::uint32_t parent, std::uint32_t& last, std::string_view name);

  ondemand::parser parser_;
  std::vector<Node>* nodes_ = nullptr;
};

JsonTree::JsonTree() : reader_(std::make_unique<Reader>()), nodes_(1, Node{.kind = Kind::Object}) {}
JsonTree::~JsonTree() = default;
JsonTree::JsonTree(JsonTree&& other) noexcept = default;
JsonTree& JsonTree::operator=(JsonTree&& other) noexcept = default;

bool JsonTree::parse(std::string_view body) {
  if (parse_valid_unicode(body)) return true;
  const std::string cleaned = protocol::with_valid_unicode(body);
  return cleaned != body && parse_valid_unicode(cleaned);
}

bool JsonTree::parse_valid_unicode(std::string_view body) {
  padded_.assign(body);
  padded_.append(simdjson::SIMDJSON_PADDING, '\0');
  nodes_.assign(1, Node{.kind = Kind::Object});
  const simdjson::padded_string_view text(padded_.data(), body.size(), padded_.size());
  return reader_->read(text, nodes_);
}

const JsonTree::Node* JsonTree::find(std::string_view name) const {
  const Node* found = nullptr;
  for (std::uint32_t i = root().first_child; i != kNone; i = nodes_[i].next_sibling) {
    if (nodes_[i].name == name) found = &nodes_[i];
  }
  return found;
}

bool JsonTree::Reader::read(const simdjson::padded_string_view& text, std::vector<Node>& nodes) {
  nodes_ = &nodes;
  ondemand::document document;
  if (parser_.iterate(text).get(document) != simdjson::SUCCESS) return false;
  ondemand::json_type type{};
  if (document.type().get(type) != simdjson::SUCCESS) return false;
  if (type == ondemand::json_type::null) return is_true(document.is_null()) && is_at_end(document);
  ondemand::object object;
  if (document.get_object().get(object) != simdjson::SUCCESS) return false;
  return read_object(object, 0, 1) && is_at_end(document);
}

// `last` is the child added before, if any.
std::uint32_t JsonTree::Reader::add_child(std::uint32_t parent, std::uint32_t& last,
                                          std::string_view name) {
  const auto index = static_cast<std::uint32_t>(nodes_->size());
  nodes_->push_back(Node{.kind = Kind::Null, .name = name});
  (last == kNone ? (*nodes_)[parent].first_child : (*nodes_)[last].next_sibling) = index;
  last = index;
  return index;
}

bool JsonTree::Reader::read_object(ondemand::object object, std::uint32_t into, std::size_t depth) {
  if (depth > kMaxDepth) return false;
  std::uint32_t last = kNone;
  for (auto item : object) {
    ondemand::field field;
    std::string_view name;
    if (std::move(item).get(field) != simdjson::SUCCESS) return false;
    if (field.unescaped_key().get(name) != simdjson::SUCCESS) return false;
    if (!read_value(field.value(), add_child(into, last, name), depth)) return false;
  }
  return true;
}

bool JsonTree::Reader::read_array(ondemand::array array, std::uint32_t into, std::size_t depth) {
  if (depth > kMaxDepth) return false;
  std::uint32_t last = kNone;
  for (auto item : array) {
    ondemand::value value;
    if (std::move(item).get(value) != simdjson::SUCCESS) return false;
    if (!read_value(value, add_child(into, last, {}), depth)) return false;
  }
  return true;
}

bool JsonTree::Reader::read_value(ondemand::value value, std::uint32_t into, std::size_t depth) {
  ondemand::json_type type{};
  if (value.type().get(type) != simdjson::SUCCESS) return false;
  Node& node = (*nodes_)[into];  // valid until there are more
  switch (type) {
    case ondemand::json_type::object: {
      node.kind = Kind::Object;
      ondemand::object object;
      return value.get_object().get(object) == simdjson::SUCCESS &&
             read_object(object, into, depth + 1);
    }
    case ondemand::json_type::array: {
      node.kind = Kind::Array;
      ondemand::array array;
      return value.get_array().get(array) == simdjson::SUCCESS &&
             read_array(array, into, depth + 1);
    }
    case ondemand::json_type::string:
      node.kind = Kind::Text;
      return value.get_string().get(node.text) == simdjson::SUCCESS;
    case ondemand::json_type::number:
      node.kind = Kind::Number;
      node.text = without_trailing_space(value.raw_json_token());
      return value.get_double().get(node.number) == simdjson::SUCCESS;
    case ondemand::json_type::boolean: {
      bool flag = false;
      if (value.get_bool().get(flag) != simdjson::SUCCESS) return false;
      node.kind = flag ? Kind::True : Kind::False;
      return true;
    }
    case ondemand::json_type::null:
      return is_true(value.is_null());
  }
  return false;
}

}  // namespace nsq::utilities
