#include "cli/commands.h"
#include "cli/daemon_flags.h"
#include "daemon/run.h"

namespace nsq::cli {

int run_daemon(const Invocation& invocation) {
  DaemonFlags chosen;
  FlagTable flags("nsqd", "Receives messages, stores them and delivers them.");
  add_daemon_flags(flags, chosen);
  flags
      .example("--data-path=/var/lib/nsq",
               "Serves clients at 4150 and HTTP at 4151, and keeps messages there.")
      .example("--lookupd-tcp-address=10.0.0.1:4160 --durability=fsync",
               "One of a cluster, which answers a publish when it is on the disk.");
  Remarks remarks;
  if (const auto status = read_settings(flags, invocation, remarks)) return *status;

  if (!finish_daemon_flags(chosen)) return kExitFailure;
  log_remarks(remarks);
  return daemon::run(chosen.options);
}

}  // namespace nsq::cli
