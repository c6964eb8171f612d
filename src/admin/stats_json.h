#pragma once

#include <string_view>
#include <vector>

#include "base/instant.h"
#include "base/json_writer.h"
#include "cluster/cluster.h"

// Topics, channels and nodes as the original's API shows them, member for member.
namespace nsq::admin {

// A topic or a channel with the "message" that goes with it.
std::string topic_json(const cluster::TopicStats& topic, std::string_view message, Timestamp now);
std::string channel_json(const cluster::ChannelStats& channel, std::string_view message,
                         Timestamp now);
// `is_direct`: the daemons were asked without a lookupd.
std::string nodes_json(const std::vector<cluster::Node>& nodes, bool is_direct,
                       std::string_view message);
std::string node_json(std::string_view address, const std::vector<cluster::TopicStats>& topics,
                      std::string_view message, Timestamp now);
std::string counter_json(const std::vector<cluster::NodeStats>& nodes, std::string_view message);
// {"NAME":["a","b"],"message":""}
std::string names_json(std::string_view name, const std::vector<std::string>& names,
                       std::string_view message);

}  // namespace nsq::admin
