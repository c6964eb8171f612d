#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/instant.h"

namespace nsq::admin {

// Every setting of the admin server, under the original's names, with its default.
struct Options {
  std::string log_level = "info";
  std::string log_prefix = "[nsqadmin] ";
  std::string http_address = "0.0.0.0:4171";
  std::string base_path = "/";   // of all URLs
  std::string dev_static_dir{};  // the page from this directory instead of the binary

  // Lookupds to be asked for the daemons, or else the daemons themselves: "host:port".
  std::vector<std::string> nsqlookupd_http_addresses{};
  std::vector<std::string> nsqd_http_addresses{};

  std::string graphite_url{};
  bool proxy_graphite = false;
  std::string statsd_prefix = "nsq.%s";
  std::string statsd_counter_format = "stats.counters.%s.count";
  std::string statsd_gauge_format = "stats.gauges.%s";
  Duration statsd_interval = std::chrono::seconds(60);

  std::string notification_http_endpoint{};  // told of every action

  Duration http_client_connect_timeout = std::chrono::seconds(2);
  Duration http_client_request_timeout = std::chrono::seconds(5);
  bool http_client_tls_insecure_skip_verify = false;
  std::string http_client_tls_root_ca_file{};
  std::string http_client_tls_cert{};
  std::string http_client_tls_key{};

  std::string allow_config_from_cidr = "127.0.0.1/8";  // empty: from anywhere
  std::string acl_http_header = "X-Forwarded-User";
  std::vector<std::string> admin_users{};  // empty: everybody may act

  // Ours.
  // How long a page waits for servers that do not answer, once others have.
  Duration straggler_timeout = std::chrono::milliseconds(600);
  // Between two samples of the history that charts are drawn from; 0 keeps none.
  Duration history_interval = std::chrono::seconds(10);
  // The cluster, nodes, topics and channels whose history is kept; 14.4 kB each, for an hour.
  std::int64_t history_series = 4096;
  // A channel with so many messages waiting needs attention.
  std::int64_t attention_depth = 10'000;
};

}  // namespace nsq::admin
