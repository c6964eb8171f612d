#pragma once

#include "lookupd/options.h"

namespace nsq::lookupd {

// Runs a lookupd as this process: starts, and stops in good order on SIGINT, SIGTERM or SIGHUP; a
// second signal ends the process at once. Returns the exit status: 1, after a line in the log, if
// it could not start. The log is set up before.
int run(const Options& options);

}  // namespace nsq::lookupd
