#include "admin/run.h"
#include "cli/admin_flags.h"
#include "cli/commands.h"
#include "cli/log_flags.h"

namespace nsq::cli {

int run_admin(const Invocation& invocation) {
  AdminFlags chosen;
  FlagTable flags("nsqadmin", "Shows the cluster in a browser, and acts on it.");
  add_admin_flags(flags, chosen);
  flags
      .example("--lookupd-http-address=10.0.0.1:4161",
               "Shows all daemons that a lookupd knows, at http://127.0.0.1:4171.")
      .example("--nsqd-http-address=127.0.0.1:4151", "Shows one daemon, without a lookupd.");
  Remarks remarks;
  if (const auto status = read_settings(flags, invocation, remarks)) return *status;

  set_up_log(chosen.options.log_prefix, chosen.options.log_level);
  log_remarks(remarks);
  return admin::run(chosen.options);
}

}  // namespace nsq::cli
