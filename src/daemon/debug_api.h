#pragma once

#include "daemon/http_api.h"

namespace nsq::daemon {

// /debug/...: what of the original's makes sense here. Its profiles of the Go runtime are answered
// 501, with how to profile this process instead. For those who may use /config only: the process's
// arguments tell as much.
void add_debug_api(http::Router& router, const ApiContext& context);

}  // namespace nsq::daemon
