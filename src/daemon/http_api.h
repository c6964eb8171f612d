#pragma once

#include <functional>

#include "base/instant.h"
#include "broker/broker.h"
#include "daemon/client_service.h"
#include "daemon/options.h"
#include "daemon/settings.h"
#include "http/router.h"

namespace nsq::daemon {

// What the HTTP API speaks for. All of it outlives the handlers.
struct ApiContext {
  broker::Broker& broker;
  const ClientService& clients;
  const Options& options;  // every default filled in
  Settings& settings;
  asio::io_context& reports;  // for answers that take long: holds up no client
  Timestamp start_time;
  int tcp_port = 0;                       // as bound; -1 for a Unix socket
  int http_port = 0;                      // likewise; 0 where there is none
  int https_port = 0;                     // likewise
  std::function<void()> drain = nullptr;  // makes the daemon drain and then end
};

// The daemon's HTTP API, the same on every listener.
void add_api(http::Router& router, const ApiContext& context);

// The one answer of a plain listener while clients must use TLS.
void refuse_without_tls(http::Router& router, const ApiContext& context);

}  // namespace nsq::daemon
