#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/instant.h"
#include "daemon/options.h"
#include "net/event_loops.h"
#include "nsq/result.h"

namespace nsq::daemon {

// A whole daemon: the broker, the threads that serve it, and what listens.
//
//   Daemon daemon(options);
//   if (auto started = daemon.start(); !started) ...
//   ... daemon.stop();
//
// Threading: shared, except that `start` and `stop` belong to the owner and are not called on the
// daemon's loops.
class Daemon {
 public:
  // What a daemon asks of the process it runs in, and tells it.
  struct Hooks {
    std::function<bool()> is_stopping;  // to give up a long start; any thread
    std::function<void()> on_drained;   // called once, on any thread: `stop` is to be called
  };

  explicit Daemon(Options options, Hooks hooks = {});
  // Stops, if that has not been done.
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // Checks the options, locks the data path, binds, reads what is on disk, then serves. Blocks for
  // as long as the disk takes.
  // Errors: one line for the user, the context; nothing is left running.
  Result<void> start();

  // Stops serving, writes everything, and lets go of the data path. Clients hear nothing.
  // Requires: started.
  void stop();

  // Takes no more messages, lets those that are there be consumed, then says so by `on_drained`.
  // Any thread, at any time before `stop`; once is enough. A daemon that is starting drains once it
  // is up.
  void drain();

  // Reads the certificates again, for the connections to come; those there are go on undisturbed.
  // What cannot be read is logged, and the old ones stay. Any thread but a loop's, as it waits for
  // the disk, at any time; nothing unless it serves.
  void reload_certificates();

  // The ports really bound: -1 for a Unix socket, 0 where nothing listens.
  int tcp_port() const;
  int http_port() const;
  int https_port() const;
  // For what else the process runs on these loops: signals, for one.
  net::EventLoops& loops();

 private:
  class Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace nsq::daemon
