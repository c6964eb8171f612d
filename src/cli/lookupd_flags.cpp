#include "cli/lookupd_flags.h"

#include "cli/log_flags.h"

namespace nsq::cli {

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

}  // namespace nsq::cli
