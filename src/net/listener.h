#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "net/address.h"
#include "net/event_loops.h"
#include "net/socket.h"
#include "nsq/result.h"

namespace nsq::net {

// A listening socket, TCP or Unix, that spreads the connections it accepts over the event loops.
//
// A Unix socket's file left behind by a process that died is recognised, because nobody answers
// there, and replaced; any other file at that place is an error. On closing, the file is removed if
// it is still ours. Running out of file
// descriptors pauses accepting for a moment and is logged once; it does not end the listener.
//
// Threading: shared. The callback runs on the loop its socket belongs to.
class Listener {
 public:
  using OnSocket = std::function<void(Socket)>;

  // Binds and listens: from here on connections queue up in the kernel. May block on the resolver.
  // A Unix socket's file gets these permissions before anybody can connect; by default those that
  // the process's umask leaves.
  // Errors: one line that starts "listen (ADDRESS) failed - ", whatever the cause.
  static Result<std::unique_ptr<Listener>> open(EventLoops& loops, const Address& address,
                                                std::optional<unsigned> unix_mode = std::nullopt);
  // Closes. The loops must still exist.
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Begins to accept. Sockets are tuned (socket.h) and belong to the loops in turn.
  // Requires: called once.
  void start(OnSocket on_socket);
  // Accepts nothing from the moment its loop gets to it; sockets already on their way to a loop
  // still arrive. Any number of times.
  void close();

  // The port really bound, also where 0 was asked for; -1 for a Unix socket.
  int bound_port() const { return port_of(local_); }
  // "127.0.0.1:4150", "[::]:4150" or a path.
  std::string local_text() const { return to_text(local_); }

 private:
  class Acceptor;
  Listener(std::shared_ptr<Acceptor> acceptor, Endpoint local);

  std::shared_ptr<Acceptor> acceptor_;  // shared with the pending accept
  const Endpoint local_;
};

}  // namespace nsq::net
