#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "broker/broker.h"
#include "daemon/lookup_link.h"
#include "daemon/lookup_registrations.h"
#include "net/address.h"
#include "protocol/discovery.h"

namespace nsq::daemon {

// One lookupd at one endpoint: connected to as long as this lives, again and again with a back-off,
// and told everything anew each time.
//
// Threading: confined to its loop.
class LookupPeer : public std::enable_shared_from_this<LookupPeer> {
 public:
  struct Home {
    asio::io_context& loop;
    broker::Broker& broker;
    const std::string& introduction;  // the body of our IDENTIFY
    const LookupTimings& timings;
    // Something about a peer has changed that somebody may wait for.
    std::function<void(LookupPeer&)> on_news;
  };

  // All that `home` refers to outlives the loop's handlers.
  LookupPeer(net::Address address, Home home);

  void start();
  // Ends it for good.
  void stop();

  void on_topic_changed(const std::string& topic);

  // Whether the first attempt has come to something.
  bool is_settled() const { return is_settled_; }
  bool is_connected() const { return is_connected_; }
  // Who is there, once it has said so; nobody again once it cannot be connected to any more.
  const std::optional<protocol::PeerIdentity>& identity() const { return identity_; }
  const std::string& address() const { return address_.text(); }

  // The same lookupd is reached by another endpoint: this one is left alone, until `use_again`.
  void set_aside();
  void use_again();
  bool is_aside() const { return is_aside_; }

 private:
  static asio::awaitable<void> run(std::shared_ptr<LookupPeer> self);
  asio::awaitable<bool> attempt();
  asio::awaitable<void> pause(Duration duration);
  void on_introduced(const protocol::PeerIdentity& identity);
  void tell_failure(const std::string& reason);
  void settle();

  const net::Address address_;
  const Home home_;
  LookupRegistrations registrations_;
  std::shared_ptr<LookupLink> link_;  // null while there is none
  asio::steady_timer pause_;
  std::optional<protocol::PeerIdentity> identity_;
  int failures_ = 0;  // in a row
  bool is_settled_ = false;
  bool is_connected_ = false;
  bool is_aside_ = false;
  bool is_stopped_ = false;
};

}  // namespace nsq::daemon
