#pragma once

#include <asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "lookupd/options.h"
#include "lookupd/session.h"
#include "net/socket.h"
#include "net/watchdog.h"

namespace nsq::lookupd {

// One daemon's connection: reads, executes what is complete, answers, reads again. A daemon that
// does not read its answers is not read from either, so what a connection holds is bounded.
//
// Threading: confined to its socket's loop, which is the registry's.
class PeerConnection : public std::enable_shared_from_this<PeerConnection> {
 public:
  // What connections share, and what outlives them.
  struct Home {
    Registry& registry;
    const Limits& limits;
    const std::string& own_identity;  // the answer to IDENTIFY
    Duration silence_timeout;
  };

  // `on_gone` is called once, when the connection is destroyed.
  PeerConnection(net::Socket socket, const Home& home,
                 std::function<void(PeerConnection&)> on_gone);
  ~PeerConnection();

  void start();
  // Ends it without another word; the daemon leaves the registry at once.
  void close();

 private:
  static asio::awaitable<void> run(std::shared_ptr<PeerConnection> self);
  asio::awaitable<bool> read();
  asio::awaitable<bool> write();
  asio::awaitable<void> linger();

  net::Socket socket_;
  const Home home_;
  const std::function<void(PeerConnection&)> on_gone_;
  const std::string remote_;
  const Instant greeting_deadline_;
  net::Watchdog watchdog_;
  std::optional<Session> session_;  // until it is closed
  std::string input_;               // read and not executed
  std::string output_;              // answers not sent
  bool is_at_end_ = false;          // the daemon sends nothing more
};

}  // namespace nsq::lookupd
