#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "broker/broker.h"

namespace nsq::daemon {

// What one lookupd has been told of this daemon's topics and channels, and what is to be said for
// it to know what there is now.
//
// It goes by what there is when it is asked, not by what happened: however quickly something comes
// and goes, the lookupd ends up with the truth. A topic that was deleted and made again in between
// is another one, and is unregistered and registered.
//
// Threading: confined.
class LookupRegistrations {
 public:
  // The broker outlives it.
  explicit LookupRegistrations(broker::Broker& broker) : broker_(broker) {}

  // The lookupd knows nothing: a new connection.
  void start_over();
  // The topic of this name, or one of its channels, came or went.
  void note_change(const std::string& topic) { changed_.insert(topic); }

  bool has_changes() const { return !changed_.empty(); }
  // Appends commands to `out` that tell of changes, topic by topic, until there are `enough`; a
  // topic's commands stay together, so that it can be more. Returns how many.
  std::size_t take_commands(std::string& out, std::size_t enough);

 private:
  // What is registered under a name; the objects say whether it is still the same.
  struct Topic {
    std::weak_ptr<broker::Topic> topic;
    std::map<std::string, std::weak_ptr<broker::Channel>> channels;
  };

  std::size_t tell_topic(const std::string& name, std::string& out);
  std::size_t tell_channels(broker::Topic& topic, Topic& registered, std::string& out);

  broker::Broker& broker_;
  std::set<std::string> changed_;
  std::map<std::string, Topic> registered_;
};

}  // namespace nsq::daemon
