#pragma once

#include <string_view>

#include "broker/consumer.h"
#include "daemon/options.h"

namespace nsq::daemon {

// Notes in a client's subscription how near the daemon it is, from the zone and region it has told.
// Without --enable-experiment=topology-aware-consumption all clients are the same.
//
// Names are compared as they are. Two that are empty are the same, hence counted as near, but no
// client is preferred for it.
void set_locality(const Options& options, std::string_view zone, std::string_view region,
                  broker::SubscriptionOptions& subscription);

}  // namespace nsq::daemon
