#include "daemon/http_api.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "base/json_writer.h"
#include "daemon/admin_api.h"
#include "daemon/config_api.h"
#include "daemon/debug_api.h"
#include "daemon/metrics_api.h"
#include "daemon/publish_api.h"
#include "daemon/stats_api.h"
#include "daemon/version.h"
#include "net/net_error.h"

namespace nsq::daemon {
namespace {

using http::Exchange;
using http::Method;

// That something was lost to damage is no reason to be taken out of service, so it does not change
// the answer to scripts; but it is to be seen.
void add_damage(http::Response& response, const broker::Meters& meters) {
  const std::uint64_t places = meters.damaged_places.load(std::memory_order_relaxed);
  const std::uint64_t messages = meters.lost_messages.load(std::memory_order_relaxed);
  if (places + messages == 0) return;
  response.add_header("X-Nsq-Damage",
                      fmt::format("{} damaged places, {} messages lost", places, messages));
}

void ping(Exchange& exchange, const ApiContext& context) {
  exchange.response.plain(context.broker.healthy() ? 200 : 500, context.broker.health());
  add_damage(exchange.response, context.broker.meters());
}

void info(Exchange& exchange, const ApiContext& context) {
  char hostname[256] = "";
  if (::gethostname(hostname, sizeof hostname - 1) != 0) {
    return exchange.response.error(500, net::system_error(errno).message());
  }
  const Options& options = context.options;
  JsonWriter json;
  json.begin_object()
      .member("version", version())
      .member("broadcast_address", options.broadcast_address)
      .member("hostname", std::string_view(hostname))
      .member("http_port", context.http_port)
      .member("tcp_port", context.tcp_port)
      .member("start_time", context.start_time.seconds())
      .member("max_heartbeat_interval", options.max_heartbeat_interval.count())
      .member("max_output_buffer_size", options.max_output_buffer_size)
      .member("max_output_buffer_timeout", options.max_output_buffer_timeout.count())
      .member("max_deflate_level", options.max_deflate_level)
      .member("topology_zone", options.topology_zone)
      .member("topology_region", options.topology_region)
      .member("draining", context.broker.draining())
      .end_object();
  exchange.response.json(json.take_text());
}

}  // namespace

void add_api(http::Router& router, const ApiContext& context) {
  router.add(Method::Get, "/ping", [&context](Exchange& exchange) { ping(exchange, context); });
  router.add(Method::Get, "/info", [&context](Exchange& exchange) { info(exchange, context); });
  add_publish_api(router, context);
  add_admin_api(router, context);
  add_stats_api(router, context);
  add_metrics_api(router, context);
  add_debug_api(router, context);
  add_config_api(router, context);
}

void refuse_without_tls(http::Router& router, const ApiContext& context) {
  router.answer_everything(
      [&context](Exchange& exchange) {
        exchange.response.json(
            fmt::format(R"({{"message": "TLS_REQUIRED", "https_port": {}}})", context.https_port));
        exchange.response.status = 403;
      },
      {.is_logged = false});
}

}  // namespace nsq::daemon
