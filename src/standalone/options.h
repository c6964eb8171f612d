#pragma once

#include "admin/options.h"
#include "daemon/options.h"
#include "lookupd/options.h"

namespace nsq::standalone {

// The three servers' settings, each with its own defaults. Of the log there is one: its level,
// format and file are the daemon's.
//
// Addresses of other lookupds may be among them; those of the servers here are added at the start,
// when their ports are known.
struct Options {
  lookupd::Options lookupd;
  daemon::Options daemon;
  admin::Options admin;
};

}  // namespace nsq::standalone
