#pragma once

#include <optional>

#include "daemon/http_api.h"
#include "net/address_range.h"

namespace nsq::daemon {

// GET and PUT /config/:opt. Any option can be read under its configuration name; the log level and
// the addresses of lookupds can be changed, until the daemon stops.
void add_config_api(http::Router& router, const ApiContext& context);

// Whether the client is within --allow-config-from-cidr, or there is none; if not, it has been told
// so.
bool may_configure(http::Exchange& exchange, const std::optional<net::AddressRange>& range);

}  // namespace nsq::daemon
