#pragma once

#include "daemon/options.h"

namespace nsq::daemon {

// Runs a daemon as this process: starts, and stops in good order on SIGINT or SIGTERM; a second
// signal ends the process at once. SIGHUP opens the log file and reads certificates again. Returns
// the exit status: 1, after a line in the log, if it could not start. The log is set up before.
int run(const Options& options);

}  // namespace nsq::daemon
