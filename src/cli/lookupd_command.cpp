#include "cli/commands.h"
#include "cli/log_flags.h"
#include "cli/lookupd_flags.h"
#include "lookupd/run.h"

namespace nsq::cli {

int run_lookupd(const Invocation& invocation) {
  LookupdFlags chosen;
  FlagTable flags("nsqlookupd", "Tells consumers which daemons have a topic.");
  add_lookupd_flags(flags, chosen);
  flags.example("", "Daemons report to port 4160, and consumers ask at 4161.")
      .example("--tcp-address=10.0.0.1:4160 --http-address=10.0.0.1:4161",
               "The same on one network interface alone.");
  Remarks remarks;
  if (const auto status = read_settings(flags, invocation, remarks)) return *status;

  set_up_log(chosen.options.log_prefix, chosen.options.log_level);
  log_remarks(remarks);
  return lookupd::run(chosen.options);
}

}  // namespace nsq::cli
