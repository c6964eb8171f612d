#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/instant.h"
#include "lookupd/answers.h"
#include "lookupd/options.h"
#include "lookupd/registry.h"

namespace nsq::lookupd::test {

inline protocol::PeerIdentity identity_of(std::string address) {
  return {.broadcast_address = std::move(address),
          .hostname = "host",
          .tcp_port = 4150,
          .http_port = 4151,
          .version = "1.4.0"};
}

// A registry with a clock that is moved by hand.
class RegistryFixture {
 public:
  using PeerNumber = Registry::PeerNumber;

  explicit RegistryFixture(RegistryLimits limits = {}) : registry(limits) {}

  PeerNumber connect(const std::string& address) {
    return registry.add_peer(address + ":1", identity_of(address), now).number;
  }
  void add(PeerNumber peer, std::string_view topic, std::string_view channel = "") {
    registry.add(peer, topic, channel);
  }
  void advance(Duration duration) { now = {now.steady + duration, now.wall + duration}; }

  // Whom /lookup names, by address; "none" for an unknown topic.
  std::vector<std::string> producers(std::string_view topic) const {
    const auto* found = registry.find_topic(topic);
    if (found == nullptr) return {"none"};
    std::vector<std::string> addresses;
    const std::string answer = lookup_answer(registry, *found, now, options);
    const std::string_view key = "\"broadcast_address\":\"";
    for (std::size_t at = answer.find(key); at != std::string::npos; at = answer.find(key, at)) {
      at += key.size();
      addresses.push_back(answer.substr(at, answer.find('"', at) - at));
    }
    return addresses;
  }
  std::string channels(std::string_view topic) const {
    return channels_answer(registry.find_topic(topic));
  }
  std::string topics() const { return whole(*topics_answer(registry)); }
  std::string nodes() const { return whole(*nodes_answer(registry, options)); }
  std::string debug() const { return whole(*debug_answer(registry)); }

  Options options;
  Registry registry;
  Moment now{Instant(std::chrono::hours(1)), Timestamp(1'795'237'781'000'000'000)};

 private:
  std::string whole(SlicedAnswer& answer) const {
    std::string text;
    while (!answer.write_slice(now, text)) {
    }
    return text;
  }
};

}  // namespace nsq::lookupd::test
