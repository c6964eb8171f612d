#include "cluster/node.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "cluster/document.h"
#include "cluster/found.h"

namespace nsq::cluster {
namespace {

using Object = simdjson::dom::object;
using Version = std::array<int, 3>;

Error not_json() {
  return Error(ClusterErrc::BadAnswer, "not JSON");
}

std::string copy_of(const Object& object, std::string_view name) {
  return std::string(text_of(object, name));
}

Node read_node(const Object& object) {
  Node node{.remote_address = copy_of(object, "remote_address"),
            .hostname = copy_of(object, "hostname"),
            .broadcast_address = copy_of(object, "broadcast_address"),
            .tcp_port = integer_of(object, "tcp_port"),
            .http_port = integer_of(object, "http_port"),
            .version = copy_of(object, "version"),
            .zone = copy_of(object, "topology_zone"),
            .region = copy_of(object, "topology_region")};
  for_each_text(object, "topics",
                [&](std::string_view topic) { node.topics.push_back({std::string(topic)}); });
  simdjson::dom::array marks;
  if (object["tombstones"].get(marks) == simdjson::SUCCESS) {
    std::size_t index = 0;
    for (const simdjson::dom::element mark : marks) {
      bool tombstoned = false;
      if (index < node.topics.size() && mark.get(tombstoned) == simdjson::SUCCESS) {
        node.topics[index].tombstoned = tombstoned;
      }
      ++index;
    }
  }
  std::stable_sort(node.topics.begin(), node.topics.end(),
                   [](const NodeTopic& a, const NodeTopic& b) { return a.topic < b.topic; });
  return node;
}

// What stands behind the third number, like "-alpha", makes a version earlier than the one without;
// among those the order does not matter here.
Version parse_version(std::string_view text) {
  Version version{};
  if (text.starts_with('v')) text.remove_prefix(1);
  const char* at = text.data();
  const char* const end = at + text.size();
  for (std::size_t i = 0; i < version.size(); ++i) {
    const auto [rest, error] = std::from_chars(at, end, version[i]);
    if (error != std::errc() || version[i] < 0) return {};
    at = rest;
    if (i + 1 == version.size()) break;
    if (at == end || *at != '.') return {};
    ++at;
  }
  return version;
}

}  // namespace

std::string join_host_port(std::string_view host, std::int64_t port) {
  if (host.find(':') != std::string_view::npos) return fmt::format("[{}]:{}", host, port);
  return fmt::format("{}:{}", host, port);
}

std::string Node::http_address() const {
  return join_host_port(broadcast_address, http_port);
}
std::string Node::tcp_address() const {
  return join_host_port(broadcast_address, tcp_port);
}

Result<std::vector<Node>> parse_producers(std::string_view json) {
  Document document;
  if (!document.parse(json)) return not_json();
  std::vector<Node> nodes;
  for_each_object(document.root(), "producers",
                  [&](const Object& producer) { nodes.push_back(read_node(producer)); });
  return nodes;
}

Result<Node> parse_info(std::string_view json) {
  Document document;
  if (!document.parse(json)) return not_json();
  return read_node(document.root());
}

Result<std::vector<std::string>> parse_names(std::string_view json, std::string_view member) {
  Document document;
  if (!document.parse(json)) return not_json();
  std::vector<std::string> names;
  for_each_text(document.root(), member, [&](std::string_view name) { names.emplace_back(name); });
  return names;
}

void mark_out_of_date(std::vector<Node>& nodes) {
  Version latest{};
  for (const Node& node : nodes) latest = std::max(latest, parse_version(node.version));
  for (Node& node : nodes) node.out_of_date = parse_version(node.version) < latest;
}

}  // namespace nsq::cluster
