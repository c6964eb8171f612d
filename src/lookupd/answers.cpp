#include "lookupd/answers.h"

#include <fmt/format.h>

#include <string_view>

#include "base/json_writer.h"

namespace nsq::lookupd {
namespace {

// Names or entries written before the loop may do something else.
constexpr std::size_t kSliceItems = 2'000;

bool is_tombstoned(const Registry::Topic& topic, Registry::PeerNumber peer, Moment now,
                   const Options& options) {
  const Moment* set_at = Registry::tombstone(topic, peer);
  return set_at != nullptr && now.steady - set_at->steady < options.tombstone_lifetime;
}

void append_comma(std::string& out) {
  if (out.back() != '[' && out.back() != '{') out += ',';
}

// Valid names need no escapes.
void append_name(std::string& out, std::string_view name) {
  append_comma(out);
  out.append("\"").append(name).append("\"");
}

void append_channels(std::string& out, const Registry::Topic& topic) {
  for (const auto& entry : topic.channels) append_name(out, entry.first);
}

class TopicsAnswer final : public SlicedAnswer {
 public:
  explicit TopicsAnswer(const Registry& registry) : registry_(registry) {}

  bool write_slice(Moment, std::string& out) override {
    if (out.empty()) out = R"({"topics":[)";
    auto next = last_.empty() ? registry_.topics().begin() : registry_.topics().upper_bound(last_);
    std::size_t items = 0;
    for (; next != registry_.topics().end() && items < kSliceItems; ++next, ++items) {
      append_name(out, next->first);
      last_ = next->first;
    }
    const bool is_last = next == registry_.topics().end();
    if (is_last) out += "]}";
    return is_last;
  }

 private:
  const Registry& registry_;
  std::string last_;  // the topic written last
};

class NodesAnswer final : public SlicedAnswer {
 public:
  NodesAnswer(const Registry& registry, const Options& options)
      : registry_(registry), options_(options) {}

  bool write_slice(Moment now, std::string& out) override {
    if (out.empty()) out = R"({"producers":[)";
    std::size_t items = 0;
    while (next_ < registry_.peers().size() && items < kSliceItems) {
      const Registry::Peer* peer = registry_.peers()[next_++].get();
      if (peer == nullptr || !is_active(*peer, now, options_)) continue;
      append_node(out, *peer, now);
      items += 1 + peer->topics.size();
    }
    const bool is_last = next_ >= registry_.peers().size();
    if (is_last) out += "]}";
    return is_last;
  }

 private:
  void append_node(std::string& out, const Registry::Peer& peer, Moment now) const {
    append_comma(out);
    out.append("{").append(peer.json).append(R"(,"tombstones":[)");
    for (const Registry::Topic* topic : peer.topics) {
      append_comma(out);
      out += is_tombstoned(*topic, peer.number, now, options_) ? "true" : "false";
    }
    out += R"(],"topics":[)";
    for (const Registry::Topic* topic : peer.topics) append_name(out, topic->name);
    out += "]}";
  }

  const Registry& registry_;
  const Options& options_;
  std::size_t next_ = 0;  // the next peer
};

// Categories in the order of their names: channel, client, topic.
class DebugAnswer final : public SlicedAnswer {
 public:
  explicit DebugAnswer(const Registry& registry) : registry_(registry) {}

  bool write_slice(Moment, std::string& out) override {
    if (out.empty()) out = "{";
    std::size_t items = 0;
    for (auto next = next_topic(); next != registry_.topics().end(); next = next_topic()) {
      if (items >= kSliceItems) return false;
      last_ = next->first;
      items += category_ == Category::Channel ? append_channels_of(out, next->second)
                                              : append_topic(out, next->second);
    }
    if (category_ == Category::Channel) {
      append_clients(out);
      category_ = Category::Topic;
      last_.clear();
      return false;
    }
    out += "}";
    return true;
  }

 private:
  enum class Category { Channel, Topic };

  Registry::Topics::const_iterator next_topic() const {
    return last_.empty() ? registry_.topics().begin() : registry_.topics().upper_bound(last_);
  }

  std::size_t append_channels_of(std::string& out, const Registry::Topic& topic) const {
    std::size_t entries = 1;
    for (const auto& [name, channel] : topic.channels) {
      if (channel.producers.empty()) continue;
      append_key(out, fmt::format("channel:{}:{}", topic.name, name));
      for (const auto& producer : channel.producers) {
        append_entry(out, registry_.peer(producer.peer), nullptr);
      }
      out += "]";
      entries += channel.producers.size();
    }
    return entries;
  }

  std::size_t append_topic(std::string& out, const Registry::Topic& topic) const {
    if (topic.producers.empty()) return 1;
    append_key(out, fmt::format("topic:{}:", topic.name));
    for (const auto& producer : topic.producers) {
      append_entry(out, registry_.peer(producer.peer), Registry::tombstone(topic, producer.peer));
    }
    out += "]";
    return topic.producers.size();
  }

  void append_clients(std::string& out) const {
    bool any = false;
    for (const auto& peer : registry_.peers()) {
      if (!peer) continue;
      if (!any) append_key(out, "client::");
      any = true;
      append_entry(out, *peer, nullptr);
    }
    if (any) out += "]";
  }

  static void append_key(std::string& out, std::string_view key) {
    append_name(out, key);
    out += ":[";
  }

  static void append_entry(std::string& out, const Registry::Peer& peer, const Moment* tombstone) {
    JsonWriter json;
    json.begin_object()
        .member("broadcast_address", peer.identity.broadcast_address)
        .member("hostname", peer.identity.hostname)
        .member("http_port", peer.identity.http_port)
        .member("id", peer.id)
        .member("last_update", peer.last_update.wall.nanoseconds())
        .member("tcp_port", peer.identity.tcp_port)
        .member("tombstoned", tombstone != nullptr)
        .member("tombstoned_at", tombstone ? tombstone->wall.nanoseconds() : 0)
        .member("topology_region", peer.identity.topology_region)
        .member("topology_zone", peer.identity.topology_zone)
        .member("version", peer.identity.version)
        .end_object();
    append_comma(out);
    out += json.text();
  }

  const Registry& registry_;
  Category category_ = Category::Channel;
  std::string last_;  // the topic written last
};

}  // namespace

bool is_active(const Registry::Peer& peer, Moment now, const Options& options) {
  return now.steady - peer.last_update.steady <= options.inactive_producer_timeout;
}

std::string lookup_answer(const Registry& registry, const Registry::Topic& topic, Moment now,
                          const Options& options) {
  std::string out = R"({"channels":[)";
  append_channels(out, topic);
  out += R"(],"producers":[)";
  for (const Registry::Producer& producer : topic.producers) {
    const Registry::Peer& peer = registry.peer(producer.peer);
    if (!is_active(peer, now, options)) continue;
    if (is_tombstoned(topic, producer.peer, now, options)) continue;
    append_comma(out);
    out.append("{").append(peer.json).append("}");
  }
  return out.append("]}");
}

std::string channels_answer(const Registry::Topic* topic) {
  std::string out = R"({"channels":[)";
  if (topic != nullptr) append_channels(out, *topic);
  return out.append("]}");
}

std::unique_ptr<SlicedAnswer> topics_answer(const Registry& registry) {
  return std::make_unique<TopicsAnswer>(registry);
}

std::unique_ptr<SlicedAnswer> nodes_answer(const Registry& registry, const Options& options) {
  return std::make_unique<NodesAnswer>(registry, options);
}

std::unique_ptr<SlicedAnswer> debug_answer(const Registry& registry) {
  return std::make_unique<DebugAnswer>(registry);
}

}  // namespace nsq::lookupd
