#pragma once

#include "cli/admin_flags.h"
#include "cli/daemon_flags.h"
#include "cli/flag_table.h"
#include "cli/lookupd_flags.h"

namespace nsq::cli {

struct StandaloneFlags {
  DaemonFlags daemon;
  LookupdFlags lookupd;
  AdminFlags admin;
};

// Binds the flags of all three servers to `into`, which must outlive the table.
//
// A flag that one of them has keeps its name. One that several have, or that would read like one of
// another's, has its server's name in front: -daemon-http-address, -lookupd-http-address,
// -admin-http-address. Its key in a config file has, too. There is one log, with the daemon's
// -log-level, -log-format and -log-file. Left out is what has no effect, and the admin's list of
// daemons, which it learns from the lookupd.
void add_standalone_flags(FlagTable& flags, StandaloneFlags& into);

}  // namespace nsq::cli
