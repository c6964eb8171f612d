#include "daemon/metrics_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "daemon/version.h"
#include "http/process_metrics.h"

namespace nsq::daemon {
namespace {

using broker::ChannelStats;
using broker::LatencyStats;
using http::MetricLabels;
using Type = http::MetricsWriter::Type;

constexpr double kNanosecondsPerSecond = 1e9;

// One number of a topic or channel, and its names in the two families that exist; "" for none.
template <typename Stats>
struct OldColumn {
  std::string_view exporter_name;
  std::string_view statsd_name;
  Type type;
  std::string_view help;
  std::uint64_t (*value)(const Stats&);
};
template <typename Stats>
struct OwnColumn {
  std::string_view name;
  Type type;
  std::string_view help;
  std::uint64_t (*value)(const Stats&);
};

constexpr OldColumn<TopicReport> kTopicColumns[] = {
    {"nsq_topic_depth", "nsq_topic_depth", Type::Gauge, "Messages waiting at the topic.",
     [](const TopicReport& topic) { return topic.stats.depth; }},
    {"nsq_topic_backend_depth", "nsq_topic_backend_depth", Type::Gauge,
     "Messages waiting at the topic that are not in memory.",
     [](const TopicReport& topic) { return topic.stats.backend_depth; }},
    {"nsq_topic_message_count", "nsq_topic_message_count", Type::OldCounter,
     "Messages published to the topic.",
     [](const TopicReport& topic) { return topic.stats.message_count; }},
    {"", "nsq_topic_message_bytes", Type::OldCounter, "Bytes published to the topic.",
     [](const TopicReport& topic) { return topic.stats.message_bytes; }},
    {"nsq_topic_channel_count", "", Type::Gauge, "Channels of the topic.",
     [](const TopicReport& topic) { return std::uint64_t{topic.channels.size()}; }},
};

constexpr OwnColumn<TopicReport> kOwnTopicColumns[] = {
    {"nsqd_topic_dropped_messages", Type::Counter, "Messages an ephemeral topic had no room for.",
     [](const TopicReport& topic) { return topic.stats.dropped_count; }},
    {"nsqd_topic_damaged_places", Type::Counter,
     "Places on disk that made no sense and were passed over.",
     [](const TopicReport& topic) { return topic.stats.damaged_count; }},
    {"nsqd_topic_disk_bytes", Type::Gauge, "Bytes of the topic's messages on disk.",
     [](const TopicReport& topic) { return topic.stats.disk_bytes; }},
    {"nsqd_topic_paused", Type::Gauge, "Whether the topic is paused.",
     [](const TopicReport& topic) { return std::uint64_t{topic.stats.paused}; }},
};

constexpr OldColumn<ChannelStats> kChannelColumns[] = {
    {"nsq_channel_depth", "nsq_topic_channel_depth", Type::Gauge, "Messages waiting.",
     [](const ChannelStats& channel) { return channel.depth; }},
    {"nsq_channel_backend_depth", "nsq_topic_channel_backend_depth", Type::Gauge,
     "Messages waiting that are not in memory.",
     [](const ChannelStats& channel) { return channel.backend_depth; }},
    {"nsq_channel_in_flight_count", "nsq_topic_channel_in_flight_count", Type::Gauge,
     "Messages delivered and unanswered.",
     [](const ChannelStats& channel) { return channel.in_flight_count; }},
    {"nsq_channel_deferred_count", "nsq_topic_channel_deferred_count", Type::Gauge,
     "Messages whose delay has not passed.",
     [](const ChannelStats& channel) { return channel.deferred_count; }},
    {"nsq_channel_message_count", "nsq_topic_channel_message_count", Type::OldCounter,
     "Messages that came from the topic.",
     [](const ChannelStats& channel) { return channel.message_count; }},
    {"nsq_channel_requeue_count", "nsq_topic_channel_requeue_count", Type::OldCounter,
     "Messages put back by consumers.",
     [](const ChannelStats& channel) { return channel.requeue_count; }},
    {"nsq_channel_timeout_count", "nsq_topic_channel_timeout_count", Type::OldCounter,
     "Messages put back since their time was over.",
     [](const ChannelStats& channel) { return channel.timeout_count; }},
    {"nsq_channel_client_count", "nsq_topic_channel_clients", Type::Gauge, "Consumers.",
     [](const ChannelStats& channel) { return channel.client_count; }},
};

constexpr OwnColumn<ChannelStats> kOwnChannelColumns[] = {
    {"nsqd_channel_delivered_messages", Type::Counter,
     "Messages delivered, again and again ones included.",
     [](const ChannelStats& channel) { return channel.delivery_count; }},
    {"nsqd_channel_zone_local_messages", Type::Counter,
     "Messages delivered within the daemon's zone.",
     [](const ChannelStats& channel) { return channel.zone_local_count; }},
    {"nsqd_channel_region_local_messages", Type::Counter,
     "Messages delivered within the daemon's region, but not its zone.",
     [](const ChannelStats& channel) { return channel.region_local_count; }},
    {"nsqd_channel_dropped_messages", Type::Counter,
     "Messages an ephemeral channel had no room for.",
     [](const ChannelStats& channel) { return channel.dropped_count; }},
    {"nsqd_channel_lost_messages", Type::Counter, "Messages that could not be read back from disk.",
     [](const ChannelStats& channel) { return channel.lost_count; }},
    {"nsqd_channel_paused", Type::Gauge, "Whether the channel is paused.",
     [](const ChannelStats& channel) { return std::uint64_t{channel.paused}; }},
};

struct ClientColumn {
  std::string_view name;
  Type type;
  std::string_view help;
  std::int64_t (*value)(const ClientReport&);
};

constexpr ClientColumn kClientColumns[] = {
    {"nsq_client_state", Type::Gauge, "3 subscribed, 4 closing.",
     [](const ClientReport& client) { return static_cast<std::int64_t>(client.info.state); }},
    {"nsq_client_ready_count", Type::Gauge, "The consumer's RDY.",
     [](const ClientReport& client) { return client.subscription.ready_count; }},
    {"nsq_client_in_flight_count", Type::Gauge, "Messages the consumer holds.",
     [](const ClientReport& client) { return client.subscription.in_flight_count; }},
    {"nsq_client_message_count", Type::OldCounter, "Messages delivered to the consumer.",
     [](const ClientReport& client) {
       return static_cast<std::int64_t>(client.subscription.message_count);
     }},
    {"nsq_client_finish_count", Type::OldCounter, "Messages the consumer has finished.",
     [](const ClientReport& client) {
       return static_cast<std::int64_t>(client.subscription.finish_count);
     }},
    {"nsq_client_requeue_count", Type::OldCounter, "Messages the consumer has put back.",
     [](const ClientReport& client) {
       return static_cast<std::int64_t>(client.subscription.requeue_count);
     }},
    {"nsq_client_sample_rate", Type::Gauge, "The share of messages it asked for, 0 for all.",
     [](const ClientReport& client) { return std::int64_t{client.info.sample_rate}; }},
    {"nsq_client_connect_ts", Type::Gauge, "When it connected, since the Unix epoch.",
     [](const ClientReport& client) { return client.info.connected.seconds(); }},
};

class Report {
 public:
  Report(const StatsReport& stats, MetricNames names, http::MetricsFormat format)
      : stats_(stats), names_(names), metrics_(format) {
    for (const TopicReport& topic : stats_.topics) {
      topic_labels_.push_back(MetricLabels().add("topic", topic.stats.name));
      for (const ChannelReport& channel : topic.channels) {
        channels_.push_back({&channel, topic_labels_.back()});
        channels_.back().labels.add("channel", channel.stats.name);
      }
    }
  }

  std::string write(const DaemonFigures& figures, const broker::Meters& meters) {
    add_topics();
    add_channels();
    if (stats_.with_clients) add_clients();
    add_daemon(figures, meters);
    http::add_process_metrics(metrics_);
    return metrics_.take_text();
  }

 private:
  using Latencies = std::vector<std::pair<const LatencyStats*, const MetricLabels*>>;
  struct LabelledChannel {
    const ChannelReport* channel;
    MetricLabels labels;
  };

  // A column under each of the names it is wanted under.
  template <typename Column, typename Samples>
  void add_named(const Column& column, Samples samples) {
    const bool is_statsd = names_.statsd && !column.statsd_name.empty();
    if (is_statsd) add_family(column.statsd_name, column.type, column.help, samples);
    if (names_.exporter && !column.exporter_name.empty() &&
        !(is_statsd && column.exporter_name == column.statsd_name)) {
      add_family(column.exporter_name, column.type, column.help, samples);
    }
  }
  template <typename Samples>
  void add_family(std::string_view name, Type type, std::string_view help, Samples samples) {
    metrics_.family(name, type, help);
    samples();
  }

  void add_topics() {
    const auto samples = [this](std::uint64_t (*value)(const TopicReport&)) {
      return [this, value] {
        for (std::size_t i = 0; i < stats_.topics.size(); ++i)
          metrics_.sample(topic_labels_[i], value(stats_.topics[i]));
      };
    };
    for (const auto& column : kTopicColumns) add_named(column, samples(column.value));
    if (names_.own) {
      for (const auto& [name, type, help, value] : kOwnTopicColumns)
        add_family(name, type, help, samples(value));
    }
    Latencies latencies;
    for (std::size_t i = 0; i < stats_.topics.size(); ++i)
      latencies.emplace_back(&stats_.topics[i].stats.e2e_processing_latency, &topic_labels_[i]);
    add_latencies("nsq_topic_e2e_latency_{}_percentile", "nsq_topic_e2e_processing_latency_{}",
                  latencies);
  }

  void add_channels() {
    const auto samples = [this](std::uint64_t (*value)(const ChannelStats&)) {
      return [this, value] {
        for (const auto& [channel, labels] : channels_)
          metrics_.sample(labels, value(channel->stats));
      };
    };
    for (const auto& column : kChannelColumns) add_named(column, samples(column.value));
    if (names_.own) {
      for (const auto& [name, type, help, value] : kOwnChannelColumns)
        add_family(name, type, help, samples(value));
    }
    Latencies latencies;
    for (const auto& [channel, labels] : channels_)
      latencies.emplace_back(&channel->stats.e2e_processing_latency, &labels);
    add_latencies("nsq_channel_e2e_latency_{}p", "nsq_topic_channel_e2e_processing_latency_{}",
                  latencies);
  }

  // One family for each percentile asked for, its number put into the names, in nanoseconds as it
  // always was.
  void add_latencies(std::string_view exporter_name, std::string_view statsd_name,
                     const Latencies& all) {
    long before = -1;
    for (std::size_t i = 0; i < percentile_count(all); ++i) {
      const double quantile = quantile_at(all, i);
      const long percent = std::lround(quantile * 100);
      // 0.999 and 1 have one name, the higher of the two takes it.
      if (std::exchange(before, percent) == percent) continue;
      const auto samples = [this, i, &all] {
        for (const auto& [latency, labels] : all) {
          if (i < latency->percentiles.size())
            metrics_.sample(*labels, latency->percentiles[i].nanoseconds);
        }
      };
      const std::string help = fmt::format(
          "Nanoseconds from publish to finish, quantile {} of the recent past.", quantile);
      if (names_.statsd)
        add_family(fmt::format(fmt::runtime(statsd_name), percent), Type::Gauge, help, samples);
      if (names_.exporter)
        add_family(fmt::format(fmt::runtime(exporter_name), percent), Type::Gauge, help, samples);
    }
  }
  static std::size_t percentile_count(const Latencies& all) {
    std::size_t count = 0;
    for (const auto& [latency, labels] : all) count = std::max(count, latency->percentiles.size());
    return count;
  }
  static double quantile_at(const Latencies& all, std::size_t i) {
    for (const auto& [latency, labels] : all)
      if (i < latency->percentiles.size()) return latency->percentiles[i].quantile;
    return 0;
  }

  // What tells a client from all others; those of Unix sockets have nothing that does.
  MetricLabels client_labels(const ClientInfo& info, const MetricLabels& of) {
    MetricLabels labels = of;
    labels.add("client_id", info.client_id).add("hostname", info.hostname);
    MetricLabels whole = labels;
    whole.add("remote_address", info.remote_address);
    for (int number = 2; !known_clients_.insert(whole.text()).second; ++number) {
      whole = labels;
      whole.add("remote_address", fmt::format("{} #{}", info.remote_address, number));
    }
    return whole;
  }

  void add_clients() {
    std::vector<std::pair<const ClientReport*, MetricLabels>> consumers;
    for (const auto& [channel, labels] : channels_) {
      for (const ClientReport& client : channel->clients)
        consumers.emplace_back(&client, client_labels(client.info, labels));
    }
    for (const auto& [name, type, help, value] : kClientColumns) {
      metrics_.family(name, type, help);
      for (const auto& [client, labels] : consumers) metrics_.sample(labels, value(*client));
    }
    metrics_.family("nsqd_producer_messages", Type::Counter,
                    "Messages the client has published to the topic.");
    for (const ClientReport& producer : stats_.producers) {
      for (const auto& [topic, count] : producer.info.pub_counts) {
        metrics_.sample(client_labels(producer.info, MetricLabels().add("topic", topic)), count);
      }
    }
  }

  void add_daemon(const DaemonFigures& figures, const broker::Meters& meters) {
    const auto gauge = [this](std::string_view name, std::string_view help, auto value) {
      metrics_.family(name, Type::Gauge, help);
      metrics_.sample(value);
    };
    metrics_.family("nsqd_build_info", Type::Gauge, "1, with what the daemon was built from.");
    metrics_.sample(MetricLabels().add("version", version()).add("toolchain", toolchain()), 1);
    gauge("nsqd_healthy", "Whether messages can be written.", stats_.health == "OK" ? 1 : 0);
    gauge(
        "nsqd_uptime_seconds", "Since the daemon started.",
        static_cast<double>((stats_.now.wall - stats_.start_time).count()) / kNanosecondsPerSecond);
    gauge("nsqd_topics", "Topics.", stats_.topics.size());
    gauge("nsqd_channels", "Channels of all topics.", channels_.size());
    gauge("nsqd_clients", "V2 clients connected.", figures.connections);
    metrics_.family("nsqd_clients_accepted", Type::Counter, "V2 clients that have connected.");
    metrics_.sample(figures.accepted_connections);
    metrics_.family("nsqd_clients_closed", Type::Counter, "V2 clients gone, by reason.");
    for (std::size_t i = 0; i < kCloseReasonCount; ++i) {
      metrics_.sample(MetricLabels().add("reason", to_string(static_cast<CloseReason>(i))),
                      figures.closed_connections[i]);
    }
    if (figures.disk_size_bytes > 0) {
      gauge("nsqd_disk_size_bytes", "Of the file system that holds the messages.",
            figures.disk_size_bytes);
      gauge("nsqd_disk_free_bytes", "Free for the daemon in that file system.",
            figures.disk_free_bytes);
    }
    add_meters(meters);
    if (stats_.memory) add_memory(*stats_.memory);
  }

  void add_meters(const broker::Meters& meters) {
    metrics_.family("nsqd_storage_errors", Type::Counter,
                    "Attempts at the disk that failed and were, or will be, tried again.");
    const std::pair<std::string_view, const broker::Meters::Count&> counts[] = {
        {"write messages", meters.message_write_errors}, {"sync messages", meters.sync_errors},
        {"write journal", meters.journal_errors},        {"write metadata", meters.metadata_errors},
        {"give up space", meters.space_errors},
    };
    for (const auto& [attempt, count] : counts) {
      metrics_.sample(MetricLabels().add("attempt", attempt),
                      count.load(std::memory_order_relaxed));
    }
    metrics_.family("nsqd_publish_duration_seconds", Type::Histogram,
                    "From the arrival of a publish to its answer.");
    metrics_.histogram(meters.publish_times.snapshot());
    metrics_.family("nsqd_finish_latency_seconds", Type::Histogram,
                    "From a message's publish until a channel's consumer has finished it.");
    metrics_.histogram(meters.finish_times.snapshot());
  }

  void add_memory(const MemoryStats& memory) {
    metrics_.family("nsq_mem_heap_in_use_bytes", Type::Gauge, "Bytes the allocator has given out.");
    metrics_.sample(memory.heap_in_use_bytes);
    metrics_.family("nsq_mem_heap_idle_bytes", Type::Gauge, "Bytes the allocator keeps free.");
    metrics_.sample(memory.heap_idle_bytes);
  }

  const StatsReport& stats_;
  const MetricNames names_;
  http::MetricsWriter metrics_;
  std::vector<MetricLabels> topic_labels_;
  std::vector<LabelledChannel> channels_;
  std::unordered_set<std::string> known_clients_;
};

}  // namespace

std::string write_metrics(const StatsReport& report, const DaemonFigures& figures,
                          const broker::Meters& meters, MetricNames names,
                          http::MetricsFormat format) {
  return Report(report, names, format).write(figures, meters);
}

}  // namespace nsq::daemon
