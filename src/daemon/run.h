#pragma once

#include "daemon/options.h"

namespace nsq::daemon {

// Runs a daemon as this process: sets the log up, starts, and stops in good order on SIGINT,
// SIGTERM or SIGHUP; a second signal ends the process at once. Returns the exit status: 1, after a
// line in the log, if it could not start.
int run(const Options& options);

}  // namespace nsq::daemon
