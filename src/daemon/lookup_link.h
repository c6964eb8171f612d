#pragma once

#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/instant.h"
#include "daemon/lookup_registrations.h"
#include "net/socket.h"
#include "net/watchdog.h"
#include "protocol/discovery.h"

namespace nsq::daemon {

// How a daemon deals with its lookupds. The original waits for a second each, and pings every 15.
struct LookupTimings {
  Duration connect_limit = std::chrono::seconds(5);
  Duration answer_limit = std::chrono::seconds(5);  // without an answer that is due
  Duration ping_interval = std::chrono::seconds(15);
  Duration first_retry = std::chrono::milliseconds(100);  // after a connection is lost; then twice
  Duration last_retry = std::chrono::seconds(5);          // as long each time, up to this
  Duration resolve_interval = std::chrono::seconds(15);   // between two looks at what a name means
};

// One connection to one lookupd, from the introduction until it is lost, however that happens.
//
// A reader and a writer that meet in `close`. Commands are sent ahead of their answers, some
// hundred at a time, so that everything can be registered in a few round trips.
//
// Threading: confined to the socket's loop.
class LookupLink : public std::enable_shared_from_this<LookupLink> {
 public:
  struct Home {
    LookupRegistrations& registrations;  // of this lookupd; outlives the link
    const std::string& introduction;     // the body of our IDENTIFY
    const LookupTimings& timings;
    // The lookupd has said who it is.
    std::function<void(const protocol::PeerIdentity&)> on_introduced;
  };

  LookupLink(net::Socket socket, Home home);

  // Returns when the connection is lost, with the reason.
  static asio::awaitable<std::string> run(std::shared_ptr<LookupLink> self);

  // There may be something to register.
  void wake();
  // Ends it; the first reason counts.
  void close(std::string reason);

 private:
  static asio::awaitable<void> read(std::shared_ptr<LookupLink> self);
  void take_answers();
  void on_answer(std::string_view answer);
  asio::awaitable<void> send(std::string bytes, std::size_t answers);
  bool has_work(Instant now) const;

  net::Socket socket_;
  Home home_;
  net::Watchdog watchdog_;
  asio::steady_timer wake_up_;
  std::string input_;  // read and not a whole answer yet
  std::size_t unanswered_ = 0;
  Instant ping_due_ = Instant::never();
  bool is_introduced_ = false;
  std::optional<std::string> lost_;  // why
};

}  // namespace nsq::daemon
