#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/instant.h"
#include "protocol/discovery.h"

namespace nsq::lookupd {

struct RegistryLimits {
  std::size_t registrations_per_peer = 1'000'000;
  std::size_t names = 1'000'000;
};

// Which daemons have which topics and channels.
//
// A peer is one daemon's connection. Topics and channels are remembered without a producer too,
// until somebody deletes them: that is how a daemon that is new to a topic learns of its channels.
// Ephemeral ones go with their last producer.
//
// A registration costs 16 bytes, besides what vectors keep in reserve: a peer's number in the
// topic's or channel's list, and a pointer back in the peer's. Adding and removing is a search in
// the sorted list and a short move.
//
// Threading: confined.
class Registry {
 public:
  using PeerNumber = std::uint32_t;

  // A place in a topic's or channel's list.
  struct Producer {
    PeerNumber peer = 0;
    std::uint32_t slot = 0;  // where the peer's own list has this registration
  };
  struct Topic;
  struct Channel {
    Topic* topic = nullptr;
    std::string_view name;
    std::vector<Producer> producers;  // by peer
  };
  struct Topic {
    std::string_view name;
    std::vector<Producer> producers;  // by peer
    std::map<std::string, Channel, std::less<>> channels;
    std::vector<std::pair<PeerNumber, Moment>> tombstones;  // when set, of producers only
  };
  struct Peer {
    PeerNumber number = 0;
    std::string id;  // the far end's address: "10.0.0.5:42386"
    protocol::PeerIdentity identity;
    // The members that describe it as a producer, as JSON without braces: written once, because
    // it is in every answer about every topic it has.
    std::string json;
    Moment last_update;
    std::vector<Topic*> topics;
    std::vector<Channel*> channels;
  };
  using Topics = std::map<std::string, Topic, std::less<>>;

  // What `add` did. Topic and channel are true where the peer was not there before.
  struct Added {
    bool topic = false;
    bool channel = false;
    bool too_many = false;  // a limit is reached; what is told above was done before
  };

  explicit Registry(RegistryLimits limits = {}) : limits_(limits) {}
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // --- what peers say ------------------------------------------------------------------------

  // The reference stays valid until the peer is removed. Numbers of removed peers are used again.
  Peer& add_peer(std::string id, protocol::PeerIdentity identity, Moment now);
  // With all its registrations.
  void remove_peer(PeerNumber number);

  // Makes topic and channel where missing. An empty channel means the topic alone. Once more
  // changes nothing, and a tombstone stays. Requires: valid names.
  Added add(PeerNumber peer, std::string_view topic, std::string_view channel);
  // A topic goes with its channels. False if the peer was not there, which is no error.
  bool remove(PeerNumber peer, std::string_view topic, std::string_view channel);

  // --- what administrators say ---------------------------------------------------------------

  // Makes topic and channel where missing; an empty channel means the topic alone. False if there
  // are too many names.
  bool create(std::string_view topic, std::string_view channel);
  // Both say whether there was one.
  bool delete_topic(std::string_view topic);
  bool delete_channel(std::string_view topic, std::string_view channel);
  // Marks the topic's producers that broadcast "address:http_port", brackets around an IPv6
  // address or not.
  void set_tombstone(std::string_view topic, std::string_view node, Moment now);

  // --- what there is -------------------------------------------------------------------------

  const Topics& topics() const { return topics_; }
  const Topic* find_topic(std::string_view name) const;
  // By number, null where a number is not in use.
  const std::vector<std::unique_ptr<Peer>>& peers() const { return peers_; }
  const Peer& peer(PeerNumber number) const { return *peers_[number]; }
  Peer& peer(PeerNumber number) { return *peers_[number]; }

  // When the producer's tombstone was set; null if it has none, in force or not.
  static const Moment* tombstone(const Topic& topic, PeerNumber peer);

 private:
  Topic* make_topic(std::string_view name);
  Channel* make_channel(Topic& topic, std::string_view name);
  void drop_topic(Topics::iterator found);
  void drop_channel(Topic& topic, std::string_view name);
  bool detach_topic(Topic& topic, PeerNumber peer);
  bool detach_channel(Channel& channel, PeerNumber peer);
  bool remove_from_channel(Topic& topic, Channel& channel, PeerNumber peer);
  bool remove_from_topic(Topic& topic, PeerNumber peer);

  const RegistryLimits limits_;
  Topics topics_;
  std::vector<std::unique_ptr<Peer>> peers_;
  std::vector<PeerNumber> free_numbers_;
  std::size_t name_count_ = 0;
};

}  // namespace nsq::lookupd
