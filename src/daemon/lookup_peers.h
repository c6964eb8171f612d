#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "broker/broker.h"
#include "broker/topic_observer.h"
#include "daemon/lookup_channels.h"
#include "daemon/lookup_group.h"
#include "daemon/lookup_link.h"
#include "daemon/options.h"
#include "net/event_loops.h"

namespace nsq::daemon {

// The lookupds this daemon reports to: tells them of its topics and channels, and asks them for
// the channels of new ones.
//
// All of it runs on a thread of its own, which the broker only leaves notes for: lookupds that
// come, go, hang or talk nonsense slow down nothing but themselves.
//
// Threading: shared, except that `start` and `stop` belong to the owner.
class LookupPeers final : public broker::TopicObserver {
 public:
  // Broker and options, which have the ports told to others, outlive it.
  LookupPeers(broker::Broker& broker, const Options& options, LookupTimings timings = {});
  // Stops, if that has not been done. May wait for a name being resolved.
  ~LookupPeers() override;

  // From here on the broker's changes count. Requires: it is this broker's observer.
  void start();
  // Connects to those of the addresses that are new, and lets go of those that are not among them.
  void set_addresses(std::vector<std::string> addresses);
  // Lets go of all. Lookupds learn of it from their connections' end.
  void stop();

  bool holds_new_topics() const override { return has_addresses_; }
  void on_topic_created(const std::shared_ptr<broker::Topic>& topic) override;
  void on_topic_changed(const std::string& topic) override;

 private:
  using Groups = std::map<std::string, std::shared_ptr<LookupGroup>>;

  void update_groups(const std::vector<std::string>& addresses);
  void tell_changes();
  bool is_settled() const;
  std::vector<std::string> http_addresses() const;
  LookupPeer::Home peer_home();

  broker::Broker& broker_;
  const Options& options_;
  const LookupTimings timings_;
  std::string introduction_;
  std::atomic<bool> has_addresses_;
  std::atomic<bool> is_running_{false};

  Mutex mutex_;
  std::set<std::string> changed_ NSQ_GUARDED_BY(mutex_);  // topics; told by a handler on its way

  // Confined to the loop.
  Groups groups_;
  std::shared_ptr<LookupChannels> channels_;

  net::EventLoops loops_{1, "nsq-lookup"};
};

}  // namespace nsq::daemon
