#include "admin/history.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/json_writer.h"
#include "cluster/merge.h"

namespace nsq::admin {
namespace {

constexpr double kNanosecondsPerMs = 1e6;

// Charts need no more than this, and the answer stays short.
void append_number(std::string& text, float number) {
  if (std::isnan(number)) {
    text += "null";
  } else if (number == std::trunc(number) && std::abs(number) < 1e9F) {
    text += fmt::format("{}", static_cast<std::int64_t>(number));
  } else {
    text += fmt::format("{:.6g}", number);
  }
}

}  // namespace

struct History::Sums {
  std::int64_t depth = 0, in_flight = 0, deferred = 0, clients = 0;
  double messages = 0, requeues = 0, timeouts = 0;  // per second
  bool has_rates = false;
  cluster::Latency latency{};
};

History::Counters History::take_rise(Place place, const Counters& now, bool node_was_there) {
  const auto [found, is_new] = counters_.try_emplace(std::move(place), now);
  const Counters before = found->second;
  found->second = now;
  found->second.tick = tick_;
  // What appears on a daemon that was there before has counted from 0 on; of a daemon that has
  // just been found nobody knows when it counted.
  if (is_new || before.tick + 1 != tick_) return node_was_there && is_new ? now : Counters{};
  const auto rise = [](std::int64_t from, std::int64_t to) {
    return to >= from ? to - from : to;  // it starts again from 0
  };
  return {.messages = rise(before.messages, now.messages),
          .requeues = rise(before.requeues, now.requeues),
          .timeouts = rise(before.timeouts, now.timeouts)};
}

void History::add_node(const cluster::NodeStats& node, double seconds,
                       std::map<Subject, Sums>& sums) {
  const std::string address = node.node.http_address();
  std::uint64_t& answered = nodes_[address];
  const bool was_there = answered != 0 && answered + 1 == tick_;
  answered = tick_;
  Sums& whole = sums[{}];
  Sums& here = sums[{.node = address}];
  const auto add_rates = [&](const std::vector<Sums*>& to, const Counters& rise) {
    for (Sums* each : to) {
      if (!was_there) continue;
      each->has_rates = true;
      each->messages += static_cast<double>(rise.messages) / seconds;
      each->requeues += static_cast<double>(rise.requeues) / seconds;
      each->timeouts += static_cast<double>(rise.timeouts) / seconds;
    }
  };
  for (const cluster::TopicStats& topic : node.stats.topics) {
    Sums& of_topic = sums[{.topic = topic.name}];
    const Counters published = take_rise(fmt::format("{}\n{}", address, topic.name),
                                         {.messages = topic.message_count}, was_there);
    add_rates({&whole, &here, &of_topic}, published);
    for (Sums* each : {&whole, &here, &of_topic}) {
      cluster::add_count(each->depth, topic.depth);
      cluster::add_latency(each->latency, topic.latency);
    }
    for (const cluster::ChannelStats& channel : topic.channels) {
      Sums& of_channel = sums[{.topic = topic.name, .channel = channel.name}];
      const Counters rise = take_rise(fmt::format("{}\n{}\n{}", address, topic.name, channel.name),
                                      {.messages = channel.message_count,
                                       .requeues = channel.requeue_count,
                                       .timeouts = channel.timeout_count},
                                      was_there);
      add_rates({&of_channel}, rise);
      add_rates({&whole, &here, &of_topic},
                {.messages = 0, .requeues = rise.requeues, .timeouts = rise.timeouts});
      for (Sums* each : {&whole, &here, &of_topic, &of_channel}) {
        cluster::add_count(each->depth, channel.depth);
        cluster::add_count(each->in_flight, channel.in_flight_count);
        cluster::add_count(each->deferred, channel.deferred_count);
        cluster::add_count(each->clients, channel.client_count);
      }
      cluster::add_latency(of_channel.latency, channel.latency);
    }
  }
}

void History::record(Timestamp now, const std::vector<cluster::NodeStats>& nodes) {
  const double seconds = std::max(0.001, static_cast<double>((now - last_time_).count()) / 1e9);
  last_time_ = now;
  ++tick_;
  if (times_.size() < options_.samples) times_.push_back(0);
  times_[(tick_ - 1) % options_.samples] = now.seconds();

  std::map<Subject, Sums> sums;
  for (const cluster::NodeStats& node : nodes) add_node(node, seconds, sums);
  std::erase_if(counters_, [&](const auto& each) { return each.second.tick != tick_; });
  std::erase_if(nodes_, [&](const auto& each) { return each.second < oldest_tick(); });
  std::erase_if(series_, [&](const auto& each) { return each.second.last_tick < oldest_tick(); });
  // The cluster, nodes and topics first: there are fewer of them.
  for (const bool is_for_channels : {false, true}) {
    for (const auto& [subject, sum] : sums) {
      if (subject.channel.empty() != is_for_channels) store(subject, sum);
    }
  }
}

void History::store(const Subject& subject, const Sums& sums) {
  auto found = series_.find(subject);
  if (found == series_.end()) {
    if (series_.size() >= options_.series) return;
    found = series_.emplace(subject, Series{.ring = {}, .first_tick = tick_}).first;
  }
  Series& series = found->second;
  Sample sample{.depth = static_cast<float>(sums.depth),
                .in_flight = static_cast<float>(sums.in_flight),
                .deferred = static_cast<float>(sums.deferred),
                .clients = static_cast<float>(sums.clients)};
  if (sums.has_rates) {
    sample.message_rate = static_cast<float>(sums.messages);
    sample.requeue_rate = static_cast<float>(sums.requeues);
    sample.timeout_rate = static_cast<float>(sums.timeouts);
  }
  for (const auto& percentile : sums.latency.percentiles) {
    auto at = std::find(series.quantiles.begin(), series.quantiles.end(), percentile.quantile);
    if (at == series.quantiles.end()) {
      if (series.quantiles.size() == kQuantiles) continue;
      at = series.quantiles.insert(at, percentile.quantile);
    }
    sample.latency[static_cast<std::size_t>(at - series.quantiles.begin())] =
        static_cast<float>(percentile.average / kNanosecondsPerMs);
  }
  // Ticks without a word about it are gaps.
  for (std::uint64_t tick = std::max(series.last_tick + 1, series.first_tick); tick <= tick_;
       ++tick) {
    const std::size_t index = (tick - series.first_tick) % options_.samples;
    if (index >= series.ring.size()) series.ring.resize(index + 1);
    series.ring[index] = tick == tick_ ? sample : Sample{};
  }
  series.last_tick = tick_;
}

std::uint64_t History::oldest_tick() const {
  return tick_ > options_.samples ? tick_ - options_.samples + 1 : 1;
}

History::Sample History::sample_at(const Series& series, std::uint64_t tick) const {
  if (tick < series.first_tick || tick > series.last_tick) return {};
  return series.ring[(tick - series.first_tick) % options_.samples];
}

float History::message_rate(const Subject& subject) const {
  const auto found = series_.find(subject);
  return found == series_.end() ? Sample::kUnknown : sample_at(found->second, tick_).message_rate;
}

std::string History::to_json(const Subject& subject) const {
  const auto found = series_.find(subject);
  const Series none;
  const Series& series = found == series_.end() ? none : found->second;
  const std::uint64_t first =
      std::max(oldest_tick(), std::max<std::uint64_t>(series.first_tick, 1));
  const auto list = [&](const std::function<float(const Sample&)>& of) {
    std::string text = "[";
    for (std::uint64_t tick = first; found != series_.end() && tick <= tick_; ++tick) {
      if (tick != first) text += ',';
      append_number(text, of(sample_at(series, tick)));
    }
    return text + ']';
  };
  JsonWriter json;
  json.begin_object().key("times").begin_array();
  for (std::uint64_t tick = first; found != series_.end() && tick <= tick_; ++tick) {
    json.value(times_[(tick - 1) % options_.samples]);
  }
  json.end_array();
  json.key("depth").raw(list([](const Sample& s) { return s.depth; }));
  json.key("in_flight").raw(list([](const Sample& s) { return s.in_flight; }));
  json.key("deferred").raw(list([](const Sample& s) { return s.deferred; }));
  json.key("clients").raw(list([](const Sample& s) { return s.clients; }));
  json.key("message_rate").raw(list([](const Sample& s) { return s.message_rate; }));
  json.key("requeue_rate").raw(list([](const Sample& s) { return s.requeue_rate; }));
  json.key("timeout_rate").raw(list([](const Sample& s) { return s.timeout_rate; }));
  json.key("latency").begin_array();
  for (std::size_t i = 0; i < series.quantiles.size(); ++i) {
    json.begin_object().member("quantile", series.quantiles[i]);
    json.key("values").raw(list([i](const Sample& s) { return s.latency[i]; })).end_object();
  }
  json.end_array().end_object();
  return json.take_text();
}

std::size_t History::bytes() const {
  std::size_t total = 0;
  for (const auto& [subject, series] : series_) total += series.ring.capacity() * sizeof(Sample);
  return total;
}

}  // namespace nsq::admin
