#include "base/log.h"
#include "cli/commands.h"
#include "cli/log_flags.h"
#include "lookupd/run.h"

namespace nsq::cli {
namespace {

// What nsqlookupd's flags can say: its options, and what only the command line knows.
struct LookupdFlags {
  lookupd::Options options;
  bool verbose = false;  // accepted as ever, and without effect
};

void add_lookupd_flags(FlagTable& flags, LookupdFlags& into) {
  lookupd::Options& options = into.options;
  flags.group("Server")
      .add("tcp-address", options.tcp_address, "host:port", "where daemons connect")
      .add("http-address", options.http_address, "host:port", "where everybody else asks")
      .add("broadcast-address", options.broadcast_address, "host",
           "how daemons reach this lookupd over HTTP; by default the host's name");
  add_log_flags(flags, options.log_level, options.log_prefix);
  flags.group("Discovery")
      .add("inactive-producer-timeout", options.inactive_producer_timeout,
           "after which a daemon that says nothing is left out of answers")
      .add("tombstone-lifetime", options.tombstone_lifetime,
           "for which a tombstone hides a daemon from its topic");
  flags.group("Ineffective").add("verbose", into.verbose, "use -log-level");
}

}  // namespace

int run_lookupd(const Invocation& invocation) {
  LookupdFlags chosen;
  FlagTable flags("nsqlookupd", "Tells consumers which daemons have a topic.");
  add_lookupd_flags(flags, chosen);
  Remarks remarks;
  if (const auto status = read_settings(flags, invocation, remarks)) return *status;

  log::set_prefix(chosen.options.log_prefix);
  log::set_level(log::parse_level(chosen.options.log_level).value_or(log::Level::Info));
  log_remarks(remarks);
  return lookupd::run(chosen.options);
}

}  // namespace nsq::cli
