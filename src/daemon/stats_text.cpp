// The text form of /stats, for people and for the scripts that take it apart: spaces, padding and
// blank lines are part of the contract.

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <ctime>
#include <iterator>

#include "base/duration_text.h"
#include "daemon/stats_report.h"
#include "daemon/version.h"

namespace nsq::daemon {
namespace {

// Local time to the second: "2026-11-21T05:09:41+01:00", with "Z" for an offset of none.
std::string rfc3339(Timestamp time) {
  const std::time_t seconds = time.seconds();
  std::tm parts{};
  localtime_r(&seconds, &parts);
  std::string text = fmt::format("{:%Y-%m-%dT%H:%M:%S}", parts);
  if (parts.tm_gmtoff == 0) return text + "Z";
  const long minutes = parts.tm_gmtoff / 60;
  const long size = minutes < 0 ? -minutes : minutes;
  return text + fmt::format("{}{:02}:{:02}", minutes < 0 ? '-' : '+', size / 60, size % 60);
}

std::string latency_list(const broker::LatencyStats& latency) {
  std::string list;
  for (const auto& percentile : latency.percentiles) {
    if (!list.empty()) list += ", ";
    list += latency_text(percentile.nanoseconds);
  }
  return list;
}

std::string connected_text(const ClientInfo& info, Timestamp now) {
  return duration_text(std::chrono::floor<std::chrono::seconds>(now - info.connected));
}

class TextWriter {
 public:
  explicit TextWriter(const StatsReport& report) : report_(report) {}

  std::string write() {
    line("nsqd v{} (built w/{})", version(), toolchain());
    line("start_time {}", rfc3339(report_.start_time));
    line("uptime {}", duration_text(report_.now.wall - report_.start_time));
    line("");
    line("Health: {}", report_.health);
    damage();
    if (report_.memory) memory(*report_.memory);
    topics();
    producers();
    return std::move(text_);
  }

 private:
  template <typename... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
    text_ += '\n';
  }

  // Only where there is any: the original knows no such line.
  void damage() {
    std::uint64_t places = 0;
    std::uint64_t messages = 0;
    for (const TopicReport& topic : report_.topics) {
      places += topic.stats.damaged_count;
      for (const ChannelReport& channel : topic.channels) messages += channel.stats.lost_count;
    }
    if (places + messages > 0) line("Damage: {} places, {} messages lost", places, messages);
  }

  void memory(const MemoryStats& stats) {
    line("\nMemory:");
    memory_line("heap_objects", stats.heap_objects);
    memory_line("heap_idle_bytes", stats.heap_idle_bytes);
    memory_line("heap_in_use_bytes", stats.heap_in_use_bytes);
    memory_line("heap_released_bytes", stats.heap_released_bytes);
    for (const char* name : {"gc_pause_usec_100", "gc_pause_usec_99", "gc_pause_usec_95",
                             "next_gc_bytes", "gc_total_runs"}) {
      memory_line(name, 0);
    }
  }
  void memory_line(std::string_view name, std::uint64_t value) {
    line("   {:<25}\t{}", name, value);
  }

  void topics() {
    if (report_.topics.empty()) return line("\nTopics: None");
    text_ += "\nTopics:";
    for (const TopicReport& topic : report_.topics) {
      const broker::TopicStats& stats = topic.stats;
      line("\n{}[{:<15}] depth: {:<5} be-depth: {:<5} msgs: {:<8} e2e%: {}",
           stats.paused ? "*P " : "   ", stats.name, stats.depth, stats.backend_depth,
           stats.message_count, latency_list(stats.e2e_processing_latency));
      for (const ChannelReport& channel : topic.channels) write_channel(channel);
    }
  }

  void write_channel(const ChannelReport& channel) {
    const broker::ChannelStats& stats = channel.stats;
    line(
        "{}[{:<25}] depth: {:<5} be-depth: {:<5} inflt: {:<4} def: {:<4} re-q: {:<5} timeout: "
        "{:<5} msgs: {:<8} e2e%: {}",
        stats.paused ? "   *P " : "      ", stats.name, stats.depth, stats.backend_depth,
        stats.in_flight_count, stats.deferred_count, stats.requeue_count, stats.timeout_count,
        stats.message_count, latency_list(stats.e2e_processing_latency));
    for (const ClientReport& client : channel.clients) {
      text_ += "        ";
      write_client(client);
    }
  }

  void producers() {
    if (report_.producers.empty()) return line("\nProducers: None");
    line("\nProducers:");
    for (const ClientReport& producer : report_.producers) {
      text_ += "   ";
      write_client(producer);
    }
  }

  void write_client(const ClientReport& client) {
    const ClientInfo& info = client.info;
    const std::size_t colon = info.remote_address.rfind(':');
    const std::string port =
        colon == std::string::npos ? "" : info.remote_address.substr(colon + 1);
    const std::string id = fmt::format("{}:{} {}", info.hostname, port, info.user_agent);
    const std::string connected = connected_text(info, report_.now.wall);
    if (!info.pub_counts.empty()) {
      std::uint64_t total = 0;
      std::string topics;
      for (const auto& [topic, count] : info.pub_counts) {
        total += count;
        topics += fmt::format("{}{}={}", topics.empty() ? "" : ",", topic, count);
      }
      return line("[V2 {:<21}] msgs: {:<8} topics: {} connected: {}", id, total, topics, connected);
    }
    const broker::SubscriptionStats& subscription = client.subscription;
    line(
        "[V2 {:<21}] state: {} inflt: {:<4} rdy: {:<4} fin: {:<8} re-q: {:<8} msgs: {:<8} "
        "connected: {}",
        id, static_cast<int>(info.state), subscription.in_flight_count, subscription.ready_count,
        subscription.finish_count, subscription.requeue_count, subscription.message_count,
        connected);
  }

  const StatsReport& report_;
  std::string text_;
};

}  // namespace

std::string latency_text(double nanoseconds) {
  if (nanoseconds > 1e9) return fmt::format("{:.1f}s", nanoseconds / 1e9);
  if (nanoseconds > 1e6) return fmt::format("{:.1f}ms", nanoseconds / 1e6);
  if (nanoseconds > 1e3) return fmt::format("{:.1f}us", nanoseconds / 1e3);
  return fmt::format("{:.1f}ns", nanoseconds);
}

std::string write_stats_text(const StatsReport& report) {
  return TextWriter(report).write();
}

}  // namespace nsq::daemon
