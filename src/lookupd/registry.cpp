#include "lookupd/registry.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.h"
#include "base/json_writer.h"
#include "protocol/names.h"

namespace nsq::lookupd {
namespace {

using PeerNumber = Registry::PeerNumber;

std::string producer_json(const std::string& id, const protocol::PeerIdentity& identity) {
  JsonWriter json;
  json.begin_object()
      .member("remote_address", id)
      .member("hostname", identity.hostname)
      .member("broadcast_address", identity.broadcast_address)
      .member("tcp_port", identity.tcp_port)
      .member("http_port", identity.http_port)
      .member("version", identity.version)
      .member("topology_zone", identity.topology_zone)
      .member("topology_region", identity.topology_region)
      .end_object();
  const std::string text = json.take_text();
  return text.substr(1, text.size() - 2);
}

std::vector<Registry::Producer>::iterator place_of(std::vector<Registry::Producer>& producers,
                                                   PeerNumber peer) {
  return std::lower_bound(
      producers.begin(), producers.end(), peer,
      [](const Registry::Producer& producer, PeerNumber number) { return producer.peer < number; });
}

// Enters a peer into the list of a topic or channel, and that into the peer's. False if it is
// there.
template <typename Target>
bool attach(Target& target, PeerNumber peer, std::vector<Target*>& list) {
  const auto place = place_of(target.producers, peer);
  if (place != target.producers.end() && place->peer == peer) return false;
  target.producers.insert(place, {peer, static_cast<std::uint32_t>(list.size())});
  list.push_back(&target);
  return true;
}

// The opposite. The last of the peer's list takes the place that becomes free.
template <typename Target>
bool detach(Target& target, PeerNumber peer, std::vector<Target*>& list) {
  const auto place = place_of(target.producers, peer);
  if (place == target.producers.end() || place->peer != peer) return false;
  const std::uint32_t slot = place->slot;
  NSQ_ASSERT(list[slot] == &target);
  target.producers.erase(place);
  Target* last = list.back();
  list.pop_back();
  if (last == &target) return true;
  list[slot] = last;
  place_of(last->producers, peer)->slot = slot;
  return true;
}

}  // namespace

// --- peers -------------------------------------------------------------------------------------

Registry::Peer& Registry::add_peer(std::string id, protocol::PeerIdentity identity, Moment now) {
  auto peer = std::make_unique<Peer>();
  peer->json = producer_json(id, identity);
  peer->id = std::move(id);
  peer->identity = std::move(identity);
  peer->last_update = now;
  if (free_numbers_.empty()) {
    peer->number = static_cast<PeerNumber>(peers_.size());
    peers_.push_back(std::move(peer));
    return *peers_.back();
  }
  peer->number = free_numbers_.back();
  free_numbers_.pop_back();
  auto& place = peers_[peer->number];
  place = std::move(peer);
  return *place;
}

void Registry::remove_peer(PeerNumber number) {
  Peer& peer = *peers_[number];
  while (!peer.channels.empty()) {
    Channel& channel = *peer.channels.back();
    remove_from_channel(*channel.topic, channel, number);
  }
  while (!peer.topics.empty()) remove_from_topic(*peer.topics.back(), number);
  peers_[number].reset();
  free_numbers_.push_back(number);
}

// --- registering -------------------------------------------------------------------------------

Registry::Added Registry::add(PeerNumber number, std::string_view topic_name,
                              std::string_view channel_name) {
  Added added;
  Peer& peer = *peers_[number];
  // Two more at most.
  added.too_many = peer.topics.size() + peer.channels.size() + 2 > limits_.registrations_per_peer;
  Topic* topic = added.too_many ? nullptr : make_topic(topic_name);
  added.too_many = topic == nullptr;
  if (added.too_many) return added;
  added.topic = attach(*topic, number, peer.topics);
  if (channel_name.empty()) return added;
  Channel* channel = make_channel(*topic, channel_name);
  added.too_many = channel == nullptr;
  added.channel = !added.too_many && attach(*channel, number, peer.channels);
  return added;
}

bool Registry::remove(PeerNumber number, std::string_view topic_name,
                      std::string_view channel_name) {
  const auto found = topics_.find(topic_name);
  if (found == topics_.end()) return false;
  Topic& topic = found->second;
  if (channel_name.empty()) {
    for (auto next = topic.channels.begin(); next != topic.channels.end();) {
      Channel& channel = (next++)->second;  // which may go now
      remove_from_channel(topic, channel, number);
    }
    return remove_from_topic(topic, number);
  }
  const auto channel = topic.channels.find(channel_name);
  return channel != topic.channels.end() && remove_from_channel(topic, channel->second, number);
}

bool Registry::remove_from_channel(Topic& topic, Channel& channel, PeerNumber peer) {
  if (!detach_channel(channel, peer)) return false;
  if (channel.producers.empty() && protocol::is_ephemeral(channel.name)) {
    drop_channel(topic, channel.name);
  }
  return true;
}

bool Registry::remove_from_topic(Topic& topic, PeerNumber peer) {
  if (!detach_topic(topic, peer)) return false;
  if (topic.producers.empty() && protocol::is_ephemeral(topic.name)) {
    drop_topic(topics_.find(topic.name));
  }
  return true;
}

bool Registry::detach_channel(Channel& channel, PeerNumber peer) {
  return detach(channel, peer, peers_[peer]->channels);
}

bool Registry::detach_topic(Topic& topic, PeerNumber peer) {
  std::erase_if(topic.tombstones, [peer](const auto& each) { return each.first == peer; });
  return detach(topic, peer, peers_[peer]->topics);
}

// --- names -------------------------------------------------------------------------------------

Registry::Topic* Registry::make_topic(std::string_view name) {
  if (const auto found = topics_.find(name); found != topics_.end()) return &found->second;
  if (name_count_ >= limits_.names) return nullptr;
  const auto made = topics_.try_emplace(std::string(name)).first;
  made->second.name = made->first;
  ++name_count_;
  return &made->second;
}

Registry::Channel* Registry::make_channel(Topic& topic, std::string_view name) {
  if (const auto found = topic.channels.find(name); found != topic.channels.end()) {
    return &found->second;
  }
  if (name_count_ >= limits_.names) return nullptr;
  const auto made = topic.channels.try_emplace(std::string(name)).first;
  made->second.topic = &topic;
  made->second.name = made->first;
  ++name_count_;
  return &made->second;
}

void Registry::drop_channel(Topic& topic, std::string_view name) {
  const auto found = topic.channels.find(name);
  Channel& channel = found->second;
  while (!channel.producers.empty()) detach_channel(channel, channel.producers.back().peer);
  topic.channels.erase(found);
  --name_count_;
}

void Registry::drop_topic(Topics::iterator found) {
  Topic& topic = found->second;
  while (!topic.channels.empty()) drop_channel(topic, topic.channels.begin()->first);
  while (!topic.producers.empty()) detach_topic(topic, topic.producers.back().peer);
  topics_.erase(found);
  --name_count_;
}

// --- administration ----------------------------------------------------------------------------

bool Registry::create(std::string_view topic_name, std::string_view channel_name) {
  Topic* topic = make_topic(topic_name);
  if (topic == nullptr) return false;
  return channel_name.empty() || make_channel(*topic, channel_name) != nullptr;
}

bool Registry::delete_topic(std::string_view name) {
  const auto found = topics_.find(name);
  if (found == topics_.end()) return false;
  drop_topic(found);
  return true;
}

bool Registry::delete_channel(std::string_view topic, std::string_view channel) {
  const auto found = topics_.find(topic);
  if (found == topics_.end() || !found->second.channels.contains(channel)) return false;
  drop_channel(found->second, channel);
  return true;
}

void Registry::set_tombstone(std::string_view name, std::string_view node, Moment now) {
  const auto found = topics_.find(name);
  if (found == topics_.end()) return;
  Topic& topic = found->second;
  for (const Producer& producer : topic.producers) {
    const protocol::PeerIdentity& identity = peers_[producer.peer]->identity;
    const std::string plain = fmt::format("{}:{}", identity.broadcast_address, identity.http_port);
    const std::string bracketed =
        fmt::format("[{}]:{}", identity.broadcast_address, identity.http_port);
    if (node != plain && node != bracketed) continue;
    std::erase_if(topic.tombstones, [&](const auto& each) { return each.first == producer.peer; });
    topic.tombstones.emplace_back(producer.peer, now);
  }
}

// --- finding -----------------------------------------------------------------------------------

const Registry::Topic* Registry::find_topic(std::string_view name) const {
  const auto found = topics_.find(name);
  return found == topics_.end() ? nullptr : &found->second;
}

const Moment* Registry::tombstone(const Topic& topic, PeerNumber peer) {
  for (const auto& [number, set_at] : topic.tombstones) {
    if (number == peer) return &set_at;
  }
  return nullptr;
}

}  // namespace nsq::lookupd
