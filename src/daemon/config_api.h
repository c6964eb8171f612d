#pragma once

#include "daemon/http_api.h"

namespace nsq::daemon {

// GET and PUT /config/:opt. Any option can be read under its configuration name; the log level and
// the addresses of lookupds can be changed, until the daemon stops.
void add_config_api(http::Router& router, const ApiContext& context);

}  // namespace nsq::daemon
