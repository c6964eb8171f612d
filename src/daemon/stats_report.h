#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/instant.h"
#include "broker/stats.h"
#include "daemon/client_info.h"
#include "daemon/memory_stats.h"

namespace nsq::daemon {

// A client with what it does on its channel; without a channel those numbers are 0.
struct ClientReport {
  ClientInfo info;
  broker::SubscriptionStats subscription;
};

struct ChannelReport {
  broker::ChannelStats stats;
  std::vector<ClientReport> clients;
};

struct TopicReport {
  broker::TopicStats stats;
  std::vector<ChannelReport> channels;
};

// Everything /stats tells, gathered at one moment; how it is written is stats_json's and
// stats_text's business.
//
// Immutable.
struct StatsReport {
  Moment now;
  Timestamp start_time;
  std::string health;
  bool is_topic_unknown = false;  // the filter names a topic that does not exist
  bool with_clients = true;
  std::vector<TopicReport> topics;
  std::vector<ClientReport> producers;  // those that have published
  std::optional<MemoryStats> memory;
};

std::string write_stats_json(const StatsReport& report);
std::string write_stats_text(const StatsReport& report);

// "4.6ms", "0.0ns": nanoseconds with one decimal in the largest unit below them.
std::string latency_text(double nanoseconds);

}  // namespace nsq::daemon
