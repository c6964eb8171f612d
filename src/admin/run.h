#pragma once

#include "admin/options.h"

namespace nsq::admin {

// Runs an admin server as this process: starts, and stops in good order on SIGINT, SIGTERM or
// SIGHUP; a second signal ends the process at once. Returns the exit status: 1, after a line in the
// log, if it could not start.
int run(const Options& options);

}  // namespace nsq::admin
