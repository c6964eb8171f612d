#pragma once

#include "admin/options.h"
#include "cli/flag_table.h"

namespace nsq::cli {

// What nsqadmin's flags can say: its options, and what only the command line knows.
struct AdminFlags {
  admin::Options options;
  bool verbose = false;  // accepted as ever, and without effect
};

// Binds every flag of nsqadmin, and ours, to `into`, which must outlive the table.
void add_admin_flags(FlagTable& flags, AdminFlags& into);

}  // namespace nsq::cli
