#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "broker/topic.h"
#include "protocol/command.h"

namespace nsq::daemon {

// Publishes that came together for one topic, to be handed to it in one call. Bodies are views of
// the client's input, which must stay put until then.
//
// Threading: confined.
class PublishGroup {
 public:
  bool empty() const { return items_.empty(); }
  std::size_t size() const { return items_.size(); }  // commands
  std::size_t message_count() const { return bodies_.size(); }
  std::string_view topic() const { return topic_; }
  // The verb of the first one, which is blamed if the group fails.
  protocol::Verb verb() const { return verb_; }

  // Requires: PUB, MPUB or DPUB, to the topic of those before it.
  void add(const protocol::Command& command);
  // One publication per command, made `now`. Valid until the next `add` or `clear`.
  std::span<const broker::Publication> publications(Timestamp now);
  void clear();

 private:
  struct Item {
    std::size_t body_count;
    Duration delay;
  };

  std::string_view topic_;
  protocol::Verb verb_ = protocol::Verb::Pub;
  std::vector<std::string_view> bodies_;
  std::vector<Item> items_;
  std::vector<broker::Publication> publications_;
};

}  // namespace nsq::daemon
