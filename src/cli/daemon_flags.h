#pragma once

#include <cstdint>
#include <string>

#include "cli/flag_table.h"
#include "daemon/options.h"

namespace nsq::cli {

// What nsqd's flags can say: the daemon's options, and what only the command line knows.
struct DaemonFlags {
  daemon::Options options;
  std::int64_t node_id = 0;  // options.id, if it was set at all
  bool has_node_id = false;
  bool verbose = false;    // accepted as ever, and without effect
  bool worker_id = false;  // likewise
};

// Binds every flag of nsqd, and ours, to `into`, which must outlive the table.
void add_daemon_flags(FlagTable& flags, DaemonFlags& into);

// What is left to do once they are set: puts the node's id into the options, opens the log file,
// and sets up the log. False, after a line in the log, if one of them will not do.
bool finish_daemon_flags(DaemonFlags& chosen);

}  // namespace nsq::cli
