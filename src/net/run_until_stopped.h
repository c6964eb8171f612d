#pragma once

#include "net/stop_signal.h"
#include "nsq/result.h"

namespace nsq::net {

// What is left to say about a server that did not start: the exit status, after a line in the log.
// 0 if it was told to stop meanwhile, for then it has done what it was told.
int failed_to_start(const Error& error, const StopSignal& stop_signal);

// Runs a server, or several as one, as this process: starts it, waits until the process is told to
// stop, and stops it in good order. Returns the exit status.
template <typename Server>
int run_until_stopped(Server& server, StopSignal& stop_signal) {
  if (const auto started = server.start(); !started) {
    return failed_to_start(started.error(), stop_signal);
  }
  stop_signal.wait();
  server.stop();
  return 0;
}

}  // namespace nsq::net
