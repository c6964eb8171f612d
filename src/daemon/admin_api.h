#pragma once

#include "daemon/http_api.h"

namespace nsq::daemon {

// POST /topic/... and /channel/...: create, delete, empty, pause, unpause.
void add_admin_api(http::Router& router, const ApiContext& context);

}  // namespace nsq::daemon
