#include "daemon/config_api.h"

#include <simdjson.h>

#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/json_writer.h"
#include "base/log.h"
#include "net/address_range.h"

namespace nsq::daemon {
namespace {

using http::Exchange;
using http::Method;
using http::Response;

using Field = std::variant<std::int64_t Options::*, Duration Options::*, bool Options::*,
                           std::string Options::*, std::vector<std::string> Options::*,
                           std::vector<double> Options::*>;

struct Row {
  std::string_view name;
  Field field;
};

// Options shown as they are.
const Row kRows[] = {
    {"id", &Options::id},
    {"log_prefix", &Options::log_prefix},
    {"log_format", &Options::log_format},
    {"log_file", &Options::log_file},
    {"tcp_address", &Options::tcp_address},
    {"http_address", &Options::http_address},
    {"https_address", &Options::https_address},
    {"broadcast_address", &Options::broadcast_address},
    {"broadcast_tcp_port", &Options::broadcast_tcp_port},
    {"broadcast_http_port", &Options::broadcast_http_port},
    {"unix_socket_mode", &Options::unix_socket_mode},
    {"allow_config_from_cidr", &Options::allow_config_from_cidr},
    {"sigterm_mode", &Options::sigterm_mode},
    {"io_threads", &Options::io_threads},
    {"auth_http_addresses", &Options::auth_http_addresses},
    {"auth_http_request_method", &Options::auth_http_request_method},
    {"http_client_connect_timeout", &Options::http_client_connect_timeout},
    {"http_client_request_timeout", &Options::http_client_request_timeout},
    {"topology_region", &Options::topology_region},
    {"topology_zone", &Options::topology_zone},
    {"enable_experiment", &Options::enable_experiment},
    {"data_path", &Options::data_path},
    {"mem_queue_size", &Options::mem_queue_size},
    {"max_bytes_per_file", &Options::max_bytes_per_file},
    {"sync_every", &Options::sync_every},
    {"sync_timeout", &Options::sync_timeout},
    {"queue_scan_selection_count", &Options::queue_scan_selection_count},
    {"queue_scan_worker_pool_max", &Options::queue_scan_worker_pool_max},
    {"msg_timeout", &Options::msg_timeout},
    {"max_msg_timeout", &Options::max_msg_timeout},
    {"max_msg_size", &Options::max_msg_size},
    {"max_req_timeout", &Options::max_req_timeout},
    {"max_defer_timeout", &Options::max_defer_timeout},
    {"max_body_size", &Options::max_body_size},
    {"max_heartbeat_interval", &Options::max_heartbeat_interval},
    {"max_rdy_count", &Options::max_rdy_count},
    {"max_output_buffer_size", &Options::max_output_buffer_size},
    {"max_output_buffer_timeout", &Options::max_output_buffer_timeout},
    {"min_output_buffer_timeout", &Options::min_output_buffer_timeout},
    {"output_buffer_timeout", &Options::output_buffer_timeout},
    {"max_channel_consumers", &Options::max_channel_consumers},
    {"deflate", &Options::deflate},
    {"max_deflate_level", &Options::max_deflate_level},
    {"snappy", &Options::snappy},
    {"tls_cert", &Options::tls_cert},
    {"tls_key", &Options::tls_key},
    {"tls_client_auth_policy", &Options::tls_client_auth_policy},
    {"tls_root_ca_file", &Options::tls_root_ca_file},
    {"statsd_address", &Options::statsd_address},
    {"statsd_prefix", &Options::statsd_prefix},
    {"statsd_interval", &Options::statsd_interval},
    {"statsd_mem_stats", &Options::statsd_mem_stats},
    {"statsd_udp_packet_size", &Options::statsd_udp_packet_size},
    {"statsd_exclude_ephemeral", &Options::statsd_exclude_ephemeral},
    {"e2e_processing_latency_percentiles", &Options::e2e_processing_latency_percentiles},
    {"e2e_processing_latency_window_time", &Options::e2e_processing_latency_window_time},
};

template <typename T>
std::string json_list(const std::vector<T>& values) {
  JsonWriter json;
  json.begin_array();
  for (const T& value : values) json.value(value);
  json.end_array();
  return json.take_text();
}

void show(const std::string& text, Response& response) {
  response.text(text);
}
void show(bool flag, Response& response) {
  response.json(flag ? "true" : "false");
}
void show(std::int64_t number, Response& response) {
  response.json(std::to_string(number));
}
void show(Duration duration, Response& response) {
  response.json(std::to_string(duration.count()));
}
template <typename T>
void show(const std::vector<T>& values, Response& response) {
  response.json(json_list(values));
}

std::int64_t tls_required_number(std::string_view word) {
  if (word == "tcp-https") return 1;
  return word == "true" ? 2 : 0;
}

// The version numbers of TLS itself; 1.0 is the default.
std::int64_t tls_version_number(std::string_view word) {
  if (word == "tls1.1") return 0x0302;
  if (word == "tls1.2") return 0x0303;
  if (word == "tls1.3") return 0x0304;
  return 0x0301;
}

// False if there is no such option.
bool show_option(std::string_view name, const ApiContext& context, Response& response) {
  if (name == "drain") {
    show(context.broker.draining(), response);
  } else if (name == "log_level") {
    show(static_cast<std::int64_t>(log::level()), response);
  } else if (name == "nsqlookupd_tcp_addresses") {
    show(context.settings.nsqlookupd_tcp_addresses(), response);
  } else if (name == "tls_required") {
    show(tls_required_number(context.options.tls_required), response);
  } else if (name == "tls_min_version") {
    show(tls_version_number(context.options.tls_min_version), response);
  } else {
    for (const Row& row : kRows) {
      if (row.name != name) continue;
      std::visit([&](auto member) { show(context.options.*member, response); }, row.field);
      return true;
    }
    return false;
  }
  return true;
}

// A JSON array of strings; null counts as an empty one, and as an empty string inside.
std::optional<std::vector<std::string>> parse_addresses(std::string_view text) {
  simdjson::dom::parser parser;
  simdjson::dom::element element;
  if (parser.parse(text.data(), text.size()).get(element) != simdjson::SUCCESS) return std::nullopt;
  std::vector<std::string> addresses;
  if (element.is_null()) return addresses;
  simdjson::dom::array array;
  if (element.get(array) != simdjson::SUCCESS) return std::nullopt;
  for (const simdjson::dom::element item : array) {
    std::string_view address;
    if (!item.is_null() && item.get(address) != simdjson::SUCCESS) return std::nullopt;
    addresses.emplace_back(address);
  }
  return addresses;
}

enum class Change { Done, BadValue, NoSuchOption };

Change change_option(std::string_view name, std::string_view value, const ApiContext& context) {
  if (name == "log_level") {
    const auto level = log::parse_level(value);
    if (!level) return Change::BadValue;
    log::set_level(*level);
    return Change::Done;
  }
  if (name == "nsqlookupd_tcp_addresses") {
    auto addresses = parse_addresses(value);
    if (!addresses) return Change::BadValue;
    context.settings.set_nsqlookupd_tcp_addresses(std::move(*addresses));
    return Change::Done;
  }
  if (name == "drain") {
    if (value != "true" && value != "1") return Change::BadValue;
    if (context.drain) context.drain();
    return Change::Done;
  }
  return Change::NoSuchOption;
}

// Who asks, without the port and the brackets that go with one.
std::string_view host_of(std::string_view remote) {
  remote = remote.substr(0, remote.rfind(':'));
  if (remote.starts_with('[') && remote.ends_with(']')) {
    remote = remote.substr(1, remote.size() - 2);
  }
  return remote;
}

void get(Exchange& exchange, const ApiContext& context) {
  if (!show_option(exchange.request.path_arguments[0], context, exchange.response)) {
    exchange.response.error(400, "INVALID_OPTION");
  }
}

void put(Exchange& exchange, const ApiContext& context) {
  const http::Request& request = exchange.request;
  const std::string_view name = request.path_arguments[0];
  // Draining is an order more than a value.
  const bool is_order = name == "drain" && request.body.empty();
  if (request.body_over_limit || (request.body.empty() && !is_order)) {
    return exchange.response.error(413, "INVALID_VALUE");
  }
  switch (change_option(name, is_order ? "true" : request.body, context)) {
    case Change::Done:
      return get(exchange, context);
    case Change::BadValue:
      return exchange.response.error(400, "INVALID_VALUE");
    case Change::NoSuchOption:
      return exchange.response.error(400, "INVALID_OPTION");
  }
}

}  // namespace

bool may_configure(Exchange& exchange, const std::optional<net::AddressRange>& range) {
  if (!range || range->contains(host_of(exchange.request.remote))) return true;
  exchange.response.error(403, "FORBIDDEN");
  return false;
}

void add_config_api(http::Router& router, const ApiContext& context) {
  // Checked at the start; empty means everybody.
  const auto range = net::AddressRange::parse(context.options.allow_config_from_cidr);
  router.add(Method::Get, "/config/:opt", [&context, range](Exchange& exchange) {
    if (may_configure(exchange, range)) get(exchange, context);
  });
  router.add(Method::Put, "/config/:opt",
             [&context, range](Exchange& exchange) {
               if (may_configure(exchange, range)) put(exchange, context);
             },
             {.body_limit = static_cast<std::size_t>(context.options.max_msg_size)});
}

}  // namespace nsq::daemon
