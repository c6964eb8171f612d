#pragma once

#include "http/router.h"
#include "lookupd/options.h"
#include "lookupd/registry.h"

namespace nsq::lookupd {

// Adds lookupd's endpoints. Registry and options outlive the handlers, which run on the registry's
// loop.
void add_api(http::Router& router, Registry& registry, const Options& options);

}  // namespace nsq::lookupd
