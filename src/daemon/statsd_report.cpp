#include "daemon/statsd_report.h"

#include <fmt/format.h>

#include <cmath>

#include "protocol/names.h"

namespace nsq::daemon {
namespace {

std::uint64_t growth(std::uint64_t before, std::uint64_t now) {
  return now >= before ? now - before : now;
}

}  // namespace

std::vector<std::string> StatsdReport::next(const std::vector<broker::TopicStats>& topics,
                                            const std::optional<MemoryStats>& memory) {
  packets_.clear();
  for (const broker::TopicStats& topic : topics) {
    if (!exclude_ephemeral_ || !protocol::is_ephemeral(topic.name)) add_topic(topic);
  }
  path_.clear();
  if (memory) add_memory(*memory);
  before_ = std::exchange(after_, {});
  return std::exchange(packets_, {});
}

void StatsdReport::add_topic(const broker::TopicStats& topic) {
  const Counts grown =
      remember({topic.name, ""}, {.messages = topic.message_count, .bytes = topic.message_bytes});
  path_ = "topic." + topic.name + ".";
  counter("message_count", grown.messages);
  counter("message_bytes", grown.bytes);
  gauge("depth", topic.depth);
  gauge("backend_depth", topic.backend_depth);
  // A topic's latency is that of its channels.
  if (!topic.channels.empty()) add_latency(topic.e2e_processing_latency);
  for (const broker::ChannelStats& channel : topic.channels) {
    if (!exclude_ephemeral_ || !protocol::is_ephemeral(channel.name))
      add_channel(topic.name, channel);
  }
}

void StatsdReport::add_channel(const std::string& topic, const broker::ChannelStats& channel) {
  const Counts grown = remember({topic, channel.name}, {.messages = channel.message_count,
                                                        .requeues = channel.requeue_count,
                                                        .timeouts = channel.timeout_count});
  path_ = "topic." + topic + ".channel." + channel.name + ".";
  counter("message_count", grown.messages);
  gauge("depth", channel.depth);
  gauge("backend_depth", channel.backend_depth);
  gauge("in_flight_count", channel.in_flight_count);
  gauge("deferred_count", channel.deferred_count);
  counter("requeue_count", grown.requeues);
  counter("timeout_count", grown.timeouts);
  gauge("clients", channel.client_count);
  add_latency(channel.e2e_processing_latency);
}

void StatsdReport::add_latency(const broker::LatencyStats& latency) {
  for (const auto& [quantile, nanoseconds] : latency.percentiles) {
    gauge(fmt::format("e2e_processing_latency_{}", std::lround(quantile * 100)),
          static_cast<std::uint64_t>(nanoseconds));
  }
}

// Of the collector, which there is none here, dashboards show what is sent.
void StatsdReport::add_memory(const MemoryStats& memory) {
  path_ = "mem.";
  gauge("heap_objects", memory.heap_objects);
  gauge("heap_idle_bytes", memory.heap_idle_bytes);
  gauge("heap_in_use_bytes", memory.heap_in_use_bytes);
  gauge("heap_released_bytes", memory.heap_released_bytes);
  gauge("gc_pause_usec_100", 0);
  gauge("gc_pause_usec_99", 0);
  gauge("gc_pause_usec_95", 0);
  gauge("next_gc_bytes", 0);
  counter("gc_runs", 0);
}

// What has been added since the last report.
StatsdReport::Counts StatsdReport::remember(Key key, Counts now) {
  const auto found = before_.find(key);
  const Counts before = found == before_.end() ? Counts{} : found->second;
  after_.emplace_hint(after_.end(), std::move(key), now);
  return {growth(before.messages, now.messages), growth(before.bytes, now.bytes),
          growth(before.requeues, now.requeues), growth(before.timeouts, now.timeouts)};
}

void StatsdReport::line(std::string_view name, std::uint64_t value, char type) {
  const fmt::format_int digits(value);
  const std::size_t bytes = prefix_.size() + path_.size() + name.size() + digits.size() + 4;
  if (packets_.empty() || packets_.back().size() + bytes > packet_bytes_) packets_.emplace_back();
  packets_.back().append(prefix_).append(path_).append(name).append(":").append(digits.data(),
                                                                                digits.size());
  packets_.back().append({'|', type, '\n'});
}

}  // namespace nsq::daemon
