#pragma once

#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemon/lookup_peer.h"
#include "net/address.h"

namespace nsq::daemon {

// The lookupds behind one configured address. A name may stand for several, and for others later:
// it is resolved again and again, and each endpoint is a peer. Two endpoints of the same lookupd,
// as of a host with IPv4 and IPv6, are found out by what it says of itself; one of them is left
// alone while the other is connected.
//
// Threading: confined to its loop.
class LookupGroup : public std::enable_shared_from_this<LookupGroup> {
 public:
  // `on_news` is called when something has changed that somebody may wait for; what `home` says of
  // that does not matter.
  LookupGroup(const std::string& address, LookupPeer::Home home, std::function<void()> on_news);

  void start();
  void stop();
  void on_topic_changed(const std::string& topic);

  // Whether its name has been resolved, or not, and the first attempt with each peer is over.
  bool is_settled() const;
  std::vector<std::shared_ptr<LookupPeer>> peers() const;

 private:
  static asio::awaitable<void> follow_name(std::shared_ptr<LookupGroup> self);
  void update(const std::vector<net::Endpoint>& endpoints);
  void add_peer(const std::string& endpoint);
  void on_peer_news(LookupPeer& peer);

  const net::Address address_;
  LookupPeer::Home home_;
  const std::function<void()> on_news_;
  std::map<std::string, std::shared_ptr<LookupPeer>> peers_;  // by endpoint
  asio::steady_timer pause_;
  bool is_resolved_ = false;
  bool is_stopped_ = false;
};

}  // namespace nsq::daemon
