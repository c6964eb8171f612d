#include "utilities/json_filter.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "base/json_writer.h"

namespace nsq::utilities {
namespace {

using Kind = JsonTree::Kind;
using Node = JsonTree::Node;

void write(JsonWriter& json, const JsonTree& tree, const Node& node);

std::vector<const Node*> children_of(const JsonTree& tree, const Node& node) {
  std::vector<const Node*> children;
  for (auto i = node.first_child; i != JsonTree::kNone; i = tree.at(i).next_sibling) {
    children.push_back(&tree.at(i));
  }
  return children;
}

void write_object(JsonWriter& json, const JsonTree& tree, const Node& node) {
  std::vector<const Node*> members = children_of(tree, node);
  std::stable_sort(members.begin(), members.end(),
                   [](const Node* a, const Node* b) { return a->name < b->name; });
  json.begin_object();
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (i + 1 < members.size() && members[i]->name == members[i + 1]->name) continue;
    json.key(members[i]->name);
    write(json, tree, *members[i]);
  }
  json.end_object();
}

void write(JsonWriter& json, const JsonTree& tree, const Node& node) {
  switch (node.kind) {
    case Kind::Object:
      return write_object(json, tree, node);
    case Kind::Array:
      json.begin_array();
      for (const Node* element : children_of(tree, node)) write(json, tree, *element);
      json.end_array();
      return;
    case Kind::Text:
      json.value(node.text);
      return;
    case Kind::Number:
      json.raw(node.text);
      return;
    case Kind::True:
    case Kind::False:
      json.value(node.kind == Kind::True);
      return;
    case Kind::Null:
      json.null();
      return;
  }
}

}  // namespace

JsonFilter::JsonFilter(JsonFilterOptions options) : options_(std::move(options)) {
  auto& names = options_.whitelist_json_field;
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  const char* text = options_.require_json_value.c_str();
  char* end = nullptr;
  value_number_ = std::strtod(text, &end);
  value_is_number_ =
      end != text && *end == '\0' && !std::isspace(static_cast<unsigned char>(*text));
}

bool JsonFilter::has_required_value() const {
  const Node* node = tree_.find(options_.require_json_field);
  if (node == nullptr) return false;
  if (options_.require_json_value.empty()) return true;
  if (node->kind == Kind::Text) return node->text == options_.require_json_value;
  return node->kind == Kind::Number && value_is_number_ && node->number == value_number_;
}

JsonFilter::Verdict JsonFilter::apply(std::string_view body, std::string& rewritten) {
  if (!is_active()) return Verdict::Pass;
  if (!tree_.parse(body)) return Verdict::NoJson;
  if (!options_.require_json_field.empty() && !has_required_value()) return Verdict::Drop;
  if (!rewrites()) return Verdict::Pass;
  JsonWriter json;
  json.begin_object();
  for (const std::string& name : options_.whitelist_json_field) {
    const Node* node = tree_.find(name);
    if (node == nullptr) continue;
    json.key(name);
    write(json, tree_, *node);
  }
  json.end_object();
  rewritten.append(json.text());
  return Verdict::Pass;
}

}  // namespace nsq::utilities
