#pragma once

#include <memory>

#include "daemon/options.h"
#include "net/tls_context.h"
#include "nsq/result.h"

namespace nsq::daemon {

// Both read the files the options name; docs and scripts know the errors, one line each.

// For those who connect to the daemon; null without a certificate.
Result<std::shared_ptr<const net::TlsContext>> server_tls_context(const Options& options);
// For auth servers: trusts the given authorities, or else the system's.
Result<std::shared_ptr<const net::TlsContext>> client_tls_context(const Options& options);

}  // namespace nsq::daemon
