#pragma once

#include "standalone/options.h"

namespace nsq::standalone {

// Runs all three servers as this process: starts, and stops in good order on SIGINT or SIGTERM; a
// second signal ends the process at once. SIGHUP opens the log file and reads certificates again.
// Returns the exit status: 1, after a line in the log, if not all could start. The log is set up
// before.
int run(const Options& options);

}  // namespace nsq::standalone
