#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "integration/process.h"

// What a daemon says of its topics, for stories that wait for something to happen.
namespace nsq::test {

// A number of the only channel of a topic, such as "depth"; -1 while there is no such channel.
std::int64_t channel_number(const Daemon& daemon, const std::string& topic,
                            const std::string& name);
// Messages waiting in a topic without channels; -1 while there is no such topic.
std::int64_t topic_depth(const Daemon& daemon, const std::string& topic);
// Whether every message of the topic's only channel is finished.
bool is_drained(const Daemon& daemon, const std::string& topic);

// Waits for ten seconds at most.
bool eventually(const std::function<bool()>& condition);

// Each line of `lines` becomes a message.
void publish_lines(const Daemon& daemon, const std::string& topic, const std::string& lines);
// What waits in a topic without channels, sorted, each body once.
std::vector<std::string> distinct_bodies(const Daemon& daemon, const std::string& topic);

}  // namespace nsq::test
