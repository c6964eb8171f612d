#pragma once

#include "cli/flag_table.h"
#include "lookupd/options.h"

namespace nsq::cli {

// What nsqlookupd's flags can say: its options, and what only the command line knows.
struct LookupdFlags {
  lookupd::Options options;
  bool verbose = false;  // accepted as ever, and without effect
};

// Binds every flag of nsqlookupd to `into`, which must outlive the table.
void add_lookupd_flags(FlagTable& flags, LookupdFlags& into);

}  // namespace nsq::cli
