#pragma once

#include "daemon/http_api.h"

namespace nsq::daemon {

// POST /pub and /mpub. They are not logged: there may be a hundred thousand a second.
void add_publish_api(http::Router& router, const ApiContext& context);

}  // namespace nsq::daemon
