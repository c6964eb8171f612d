#include <utility>

#include "cli/commands.h"
#include "cli/standalone_flags.h"
#include "standalone/run.h"

namespace nsq::cli {

int run_standalone(const Invocation& invocation) {
  StandaloneFlags chosen;
  FlagTable flags(
      "nsq standalone",
      "A lookupd, a daemon and an admin server in one process, which find each other by "
      "themselves.");
  add_standalone_flags(flags, chosen);
  flags
      .example("--data-path=/var/lib/nsq",
               "A broker with its page for the browser, at http://127.0.0.1:4171.")
      .example("--daemon-http-address=:5151 --admin-http-address=:5171",
               "The same with other ports for HTTP and the browser.");
  Remarks remarks;
  if (const auto status = read_settings(flags, invocation, remarks)) return *status;

  if (!finish_daemon_flags(chosen.daemon)) return kExitFailure;
  log_remarks(remarks);
  return standalone::run({.lookupd = std::move(chosen.lookupd.options),
                          .daemon = std::move(chosen.daemon.options),
                          .admin = std::move(chosen.admin.options)});
}

}  // namespace nsq::cli
