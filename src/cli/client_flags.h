#pragma once

#include <string>

#include "cli/flag_table.h"
#include "nsq/config.h"
#include "utilities/source.h"

// Flags that several tools have.
namespace nsq::cli {

// -nsqd-tcp-address and -lookupd-http-address.
void add_source(FlagTable& flags, utilities::Source& source);

// -consumer-opt or -producer-opt: "name,value", or a name alone for true, sets an option of the
// client library. What does not fit is a usage error in the library's words.
// Requires: what the program itself decides (max_in_flight, user_agent) is set after parsing.
void add_client_options(FlagTable& flags, std::string name, Config& config);

}  // namespace nsq::cli
