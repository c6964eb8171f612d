#include "admin/config_api.h"

#include <simdjson.h>

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "admin/access.h"
#include "base/json_writer.h"
#include "base/log.h"

namespace nsq::admin {
namespace {

using Field = std::variant<std::int64_t Options::*, Duration Options::*, bool Options::*,
                           std::string Options::*, std::vector<std::string> Options::*>;

struct Row {
  std::string_view name;
  Field field;
};

const Row kRows[] = {
    {"log_prefix", &Options::log_prefix},
    {"http_address", &Options::http_address},
    {"base_path", &Options::base_path},
    {"dev_static_dir", &Options::dev_static_dir},
    {"nsqd_http_addresses", &Options::nsqd_http_addresses},
    {"graphite_url", &Options::graphite_url},
    {"proxy_graphite", &Options::proxy_graphite},
    {"statsd_prefix", &Options::statsd_prefix},
    {"statsd_counter_format", &Options::statsd_counter_format},
    {"statsd_gauge_format", &Options::statsd_gauge_format},
    {"statsd_interval", &Options::statsd_interval},
    {"notification_http_endpoint", &Options::notification_http_endpoint},
    {"http_client_connect_timeout", &Options::http_client_connect_timeout},
    {"http_client_request_timeout", &Options::http_client_request_timeout},
    {"http_client_tls_insecure_skip_verify", &Options::http_client_tls_insecure_skip_verify},
    {"http_client_tls_root_ca_file", &Options::http_client_tls_root_ca_file},
    {"http_client_tls_cert", &Options::http_client_tls_cert},
    {"http_client_tls_key", &Options::http_client_tls_key},
    {"allow_config_from_cidr", &Options::allow_config_from_cidr},
    {"acl_http_header", &Options::acl_http_header},
    {"admin_users", &Options::admin_users},
    {"straggler_timeout", &Options::straggler_timeout},
    {"history_interval", &Options::history_interval},
    {"history_series", &Options::history_series},
    {"attention_depth", &Options::attention_depth},
};

void show_value(const std::string& text, http::Response& response) {
  response.text(text);
}
void show_value(bool flag, http::Response& response) {
  response.json(flag ? "true" : "false");
}
void show_value(std::int64_t number, http::Response& response) {
  response.json(std::to_string(number));
}
void show_value(Duration duration, http::Response& response) {
  response.json(std::to_string(duration.count()));
}
void show_value(const std::vector<std::string>& values, http::Response& response) {
  JsonWriter json;
  json.begin_array();
  for (const std::string& value : values) json.value(value);
  json.end_array();
  response.json(json.take_text());
}

// A JSON array of strings; null counts as an empty one.
std::optional<std::vector<std::string>> parse_addresses(std::string_view text) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(text.data(), text.size()).get(root) != simdjson::SUCCESS) return std::nullopt;
  std::vector<std::string> addresses;
  if (root.is_null()) return addresses;
  simdjson::dom::array items;
  if (root.get(items) != simdjson::SUCCESS) return std::nullopt;
  for (const simdjson::dom::element item : items) {
    std::string_view address;
    if (item.get(address) != simdjson::SUCCESS) return std::nullopt;
    addresses.emplace_back(address);
  }
  return addresses;
}

}  // namespace

bool ConfigApi::refuse(http::Exchange& exchange) const {
  switch (config_access(exchange.request, range_)) {
    case ConfigAccess::Allowed:
      return false;
    case ConfigAccess::Forbidden:
      exchange.response.error(403, "FORBIDDEN");
      return true;
    case ConfigAccess::BadAddress:
      exchange.response.error(400, "INVALID_REMOTE_ADDR");
      return true;
  }
  return true;
}

void ConfigApi::show(std::string_view name, http::Response& response) const {
  if (name == "log_level") {
    return show_value(static_cast<std::int64_t>(log::level()), response);
  }
  if (name == "nsqlookupd_http_addresses") {
    return show_value(cluster_.options().lookupds, response);
  }
  for (const Row& row : kRows) {
    if (row.name != name) continue;
    return std::visit([&](auto member) { show_value(options_.*member, response); }, row.field);
  }
  response.error(400, "INVALID_OPTION");
}

void ConfigApi::get(http::Exchange& exchange) const {
  if (refuse(exchange)) return;
  show(exchange.request.path_arguments[0], exchange.response);
}

void ConfigApi::put(http::Exchange& exchange, const std::function<void()>& on_change) const {
  const http::Request& request = exchange.request;
  if (refuse(exchange)) return;
  if (!is_from_here(request)) return exchange.response.error(403, "FORBIDDEN");
  if (request.body_over_limit || request.body.empty()) {
    return exchange.response.error(413, "INVALID_VALUE");
  }
  const std::string_view name = request.path_arguments[0];
  if (name == "log_level") {
    const auto level = log::parse_level(request.body);
    if (!level) return exchange.response.error(400, "INVALID_VALUE");
    log::set_level(*level);
  } else if (name == "nsqlookupd_http_addresses") {
    auto addresses = parse_addresses(request.body);
    if (!addresses) return exchange.response.error(400, "INVALID_VALUE");
    cluster_.set_lookupds(std::move(*addresses));
    on_change();
  } else {
    return exchange.response.error(400, "INVALID_OPTION");
  }
  show(name, exchange.response);
}

}  // namespace nsq::admin
