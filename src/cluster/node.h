#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "nsq/result.h"

// What lookupds say of daemons, and daemons of themselves.
namespace nsq::cluster {

struct NodeTopic {
  std::string topic{};
  bool tombstoned = false;
};

// A daemon.
struct Node {
  // "LOOKUPD/ADDRESS" for each lookupd that knows it: the address which that lookupd sees.
  std::vector<std::string> remote_addresses{};
  std::string remote_address{};
  std::string hostname{};
  std::string broadcast_address{};
  std::int64_t tcp_port = 0;
  std::int64_t http_port = 0;
  std::string version{};
  std::string zone{};
  std::string region{};
  std::vector<NodeTopic> topics{};
  bool out_of_date = false;  // another node runs a later version

  // Where to ask it, and what it is called: "host:port", IPv6 in brackets.
  std::string http_address() const;
  std::string tcp_address() const;
};

// A host and a port, with brackets where the host is an IPv6 address.
std::string join_host_port(std::string_view host, std::int64_t port);

// Errors of each: ClusterErrc::BadAnswer for what is no JSON object.

// A lookupd's GET /nodes, and the "producers" of GET /lookup.
Result<std::vector<Node>> parse_producers(std::string_view json);
// A daemon's GET /info.
Result<Node> parse_info(std::string_view json);
// A list of texts: "topics" of GET /topics, "channels" of GET /channels.
Result<std::vector<std::string>> parse_names(std::string_view json, std::string_view member);

// Marks the nodes that run an earlier version than the latest among them. What is no version of
// three numbers counts as the earliest.
void mark_out_of_date(std::vector<Node>& nodes);

}  // namespace nsq::cluster
