#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/instant.h"
#include "broker/options.h"

namespace nsq::daemon {

// Every setting of the daemon with its default, under the names of NSQ's documentation: the config
// file's keys, where they differ from the flags.
struct Options {
  // The daemon itself
  std::int64_t id = -1;  // --node-id, 0..1023; -1: made from the host's name
  std::string tcp_address = "0.0.0.0:4150";
  std::string http_address = "0.0.0.0:4151";   // empty: off
  std::string https_address = "0.0.0.0:4152";  // only with a certificate; empty: off
  std::string broadcast_address;               // empty: the host's name
  std::int64_t broadcast_tcp_port = 0;         // 0: the port really bound
  std::int64_t broadcast_http_port = 0;
  std::string topology_region;
  std::string topology_zone;
  std::vector<std::string> enable_experiment;
  std::int64_t io_threads = 0;   // event loops; 0: as many as there are cores
  std::string unix_socket_mode;  // permissions of Unix sockets, octal; empty: those umask leaves
  std::string allow_config_from_cidr;     // who may use /config; empty: everybody
  std::string sigterm_mode = "shutdown";  // or drain

  // Others it talks to
  std::vector<std::string> nsqlookupd_tcp_addresses;
  std::vector<std::string> auth_http_addresses;
  std::string auth_http_request_method = "get";
  Duration http_client_connect_timeout = std::chrono::seconds(2);
  Duration http_client_request_timeout = std::chrono::seconds(5);

  // Messages on disk and in memory
  std::string data_path;  // empty: the working directory
  broker::Durability durability = broker::Durability::Log;
  std::int64_t mem_queue_size = 10'000;
  std::int64_t max_bytes_per_file = 104'857'600;
  std::int64_t sync_every = 2500;
  Duration sync_timeout = std::chrono::seconds(2);
  // Accepted and without effect: deadlines are met by timers, nothing is scanned.
  std::int64_t queue_scan_worker_pool_max = 4;
  std::int64_t queue_scan_selection_count = 20;

  // What clients may do
  Duration msg_timeout = std::chrono::seconds(60);
  Duration max_msg_timeout = std::chrono::minutes(15);
  std::int64_t max_msg_size = 1'048'576;
  Duration max_req_timeout = std::chrono::hours(1);
  Duration max_defer_timeout{0};  // of a deferred publish; 0: as max_req_timeout
  std::int64_t max_body_size = 5'242'880;
  Duration max_heartbeat_interval = std::chrono::seconds(60);
  std::int64_t max_rdy_count = 2500;
  std::int64_t max_output_buffer_size = 65'536;
  Duration max_output_buffer_timeout = std::chrono::seconds(30);
  Duration min_output_buffer_timeout = std::chrono::milliseconds(25);
  Duration output_buffer_timeout = std::chrono::milliseconds(250);
  std::int64_t max_channel_consumers = 0;  // 0: no limit
  bool deflate = true;
  std::int64_t max_deflate_level = 6;
  bool snappy = true;

  // TLS
  std::string tls_cert;
  std::string tls_key;
  std::string tls_client_auth_policy;
  std::string tls_root_ca_file;
  std::string tls_required = "false";  // false, true or tcp-https
  std::string tls_min_version = "tls1.0";

  // Being watched
  std::string statsd_address;  // empty: off
  std::string statsd_prefix = "nsq.%s";
  Duration statsd_interval = std::chrono::seconds(60);
  bool statsd_mem_stats = true;
  std::int64_t statsd_udp_packet_size = 508;
  bool statsd_exclude_ephemeral = false;
  std::vector<double> e2e_processing_latency_percentiles;
  Duration e2e_processing_latency_window_time = std::chrono::minutes(10);
  std::string log_level = "info";
  std::string log_prefix = "[nsqd] ";
  std::string log_format = "text";  // or json
  std::string log_file;             // empty: standard error

  Duration longest_defer() const {
    return max_defer_timeout == Duration::zero() ? max_req_timeout : max_defer_timeout;
  }
};

}  // namespace nsq::daemon
