#pragma once

#include <memory>

#include "daemon/daemon.h"
#include "nsq/result.h"
#include "standalone/options.h"

namespace nsq::standalone {

// A lookupd, a daemon that reports to it, and an admin server that asks it: one process, started
// and stopped as one.
//
//   Standalone servers(options);
//   if (auto started = servers.start(); !started) ...
//   ... servers.stop();
//
// Threading: shared, except that `start` and `stop` belong to the owner and are not called on a
// server's loops.
class Standalone {
 public:
  // The hooks are the daemon's; when it is drained, all is to be stopped.
  explicit Standalone(Options options, daemon::Daemon::Hooks hooks = {});
  // Stops, if that has not been done.
  ~Standalone();
  Standalone(const Standalone&) = delete;
  Standalone& operator=(const Standalone&) = delete;

  // Starts all three: those that keep nothing first, so that a taken port is found before anything
  // on disk is touched. Blocks for as long as the daemon's disk takes.
  // Errors: one line for the user, the context, which says whose it is, and for a taken port which
  // flag chooses another; nothing is left running.
  Result<void> start();
  // Stops all three; the lookupd last, so that the daemon takes its leave of it.
  // Requires: started.
  void stop();

  // The daemon's, on whose account a process is drained and has certificates; as with a daemon
  // alone.
  void drain();
  void reload_certificates();

  // The ports really bound. Requires: started.
  int lookupd_tcp_port() const;
  int lookupd_http_port() const;
  int daemon_tcp_port() const;
  int daemon_http_port() const;
  int admin_http_port() const;

 private:
  class Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace nsq::standalone
