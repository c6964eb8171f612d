#include "cli/daemon_flags.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "cli/log_flags.h"

namespace nsq::cli {
namespace {

constexpr std::int64_t kMaxNodeId = 1023;

using Setter = std::function<Result<void>(std::string_view)>;

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

// Exactly one of these.
Setter set_word(std::string& target, std::string_view flag, std::vector<std::string_view> words) {
  return [&target, flag, words = std::move(words)](std::string_view text) -> Result<void> {
    if (std::find(words.begin(), words.end(), text) == words.end()) {
      return Error(CliErrc::Unknown, fmt::format("invalid {}=\"{}\" (valid: \"{}\")", flag, text,
                                                 fmt::join(words, "\", \"")));
    }
    target = text;
    return {};
  };
}

Setter set_unix_socket_mode(std::string& target) {
  return [&target](std::string_view text) -> Result<void> {
    const bool is_octal =
        std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '7'; });
    if (!is_octal || text.size() > 4) {
      return Error(CliErrc::Unknown, "must be octal permissions, like 0660");
    }
    target = text;
    return {};
  };
}

Setter set_durability(broker::Durability& target) {
  return [&target](std::string_view text) -> Result<void> {
    using broker::Durability;
    constexpr auto kWords = std::to_array<std::pair<std::string_view, Durability>>(
        {{"log", Durability::Log}, {"fsync", Durability::Fsync}, {"memory", Durability::Memory}});
    for (const auto& [word, durability] : kWords) {
      if (text != word) continue;
      target = durability;
      return {};
    }
    return Error(CliErrc::Unknown, "must be log, fsync or memory");
  };
}

// A boolean word, or tcp-https.
Setter set_tls_required(std::string& target) {
  return [&target](std::string_view text) -> Result<void> {
    const std::string lower = lower_case(text);
    if (lower == "tcp-https") {
      target = lower;
      return {};
    }
    const auto required = parse_boolean(lower);
    if (!required) {
      return Error(CliErrc::ParseError,
                   fmt::format("strconv.ParseBool: parsing \"{}\": invalid syntax", lower));
    }
    target = *required ? "true" : "false";
    return {};
  };
}

Setter set_tls_min_version(std::string& target) {
  return [&target](std::string_view text) -> Result<void> {
    const std::string lower = lower_case(text);
    if (lower.empty()) return {};
    for (const std::string_view known : {"tls1.0", "tls1.1", "tls1.2", "tls1.3"}) {
      if (lower != known) continue;
      target = lower;
      return {};
    }
    return Error(CliErrc::Unknown, fmt::format("unknown tlsVersionOption \"{}\"", lower));
  };
}

void add_server_flags(FlagTable& flags, DaemonFlags& into) {
  daemon::Options& options = into.options;
  flags.group("Server")
      .add("tcp-address", options.tcp_address, "host:port", "where clients connect")
      .add("http-address", options.http_address, "host:port", "HTTP; empty for none")
      .add("https-address", options.https_address, "host:port",
           "HTTPS, with a certificate; empty for none")
      .add("broadcast-address", options.broadcast_address, "host",
           "how others reach this daemon; by default the host's name")
      .add("broadcast-tcp-port", options.broadcast_tcp_port, "port",
           "told to lookupd; 0 for the one listened on")
      .add("broadcast-http-port", options.broadcast_http_port, "port",
           "told to lookupd; 0 for the one listened on")
      .add_row("node-id", Kind::Integer, "number", "made from the host's name",
               "0 to 1023, a part of every message's id",
               [&into](std::string_view text) -> Result<void> {
                 const auto value = parse_integer(text);
                 if (!value) return value.error();
                 into.node_id = *value;
                 into.has_node_id = true;
                 return {};
               })
      .key("id")
      .add_row("unix-socket-mode", Kind::Special, "octal", "",
               "permissions of Unix sockets, like 0660; by default what the umask leaves",
               set_unix_socket_mode(options.unix_socket_mode))
      .add("allow-config-from-cidr", options.allow_config_from_cidr, "cidr",
           "who may use /config, like 10.0.0.0/8; empty for everybody")
      .add_row("sigterm-mode", Kind::Special, "mode", options.sigterm_mode,
               "what SIGTERM means: shutdown, or drain: take no more messages, and stop when all "
               "are consumed",
               set_word(options.sigterm_mode, "sigterm-mode", {"shutdown", "drain"}))
      .words({"shutdown", "drain"})
      .add("io-threads", options.io_threads, "threads", "event loops; 0 for one per core");
  add_log_flags(flags, options.log_level, options.log_prefix);
  flags
      .add_row("log-format", Kind::Special, "format", options.log_format, "text or json",
               set_word(options.log_format, "log-format", {"text", "json"}))
      .words({"text", "json"})
      .add("log-file", options.log_file, "path",
           "a file for the log, opened again on SIGHUP; by default standard error");
}

void add_storage_flags(FlagTable& flags, daemon::Options& options) {
  flags.group("Storage")
      .add("data-path", options.data_path, "directory",
           "where messages are kept; by default the working directory")
      .add_row(
          "durability", Kind::Special, "level", "log",
          "when a publish is answered: log (it survives the end of the process), fsync (of the "
          "machine) or memory (neither)",
          set_durability(options.durability))
      .words({"log", "fsync", "memory"})
      .add("mem-queue-size", options.mem_queue_size, "messages", "kept in memory per topic")
      .add("max-bytes-per-file", options.max_bytes_per_file, "bytes", "of one file of messages")
      .add("sync-every", options.sync_every, "messages", "between two syncs to disk, at most")
      .add("sync-timeout", options.sync_timeout, "between two syncs to disk, at most");
}

void add_client_flags(FlagTable& flags, daemon::Options& options) {
  flags.group("Message")
      .add("max-msg-size", options.max_msg_size, "bytes", "of one message")
      .add("max-body-size", options.max_body_size, "bytes", "of one command's body")
      .add("msg-timeout", options.msg_timeout,
           "for answering a message, if the client asks for none")
      .add("max-msg-timeout", options.max_msg_timeout,
           "the longest a client may take for a message")
      .add("max-req-timeout", options.max_req_timeout, "the longest delay of a requeued message")
      .add("max-defer-timeout", options.max_defer_timeout,
           "the longest delay of a published message; 0 for that of max-req-timeout");
  flags.group("Client")
      .add("max-rdy-count", options.max_rdy_count, "messages", "the largest RDY")
      .add("max-channel-consumers", options.max_channel_consumers, "clients",
           "per channel; 0 for no limit")
      .add("max-heartbeat-interval", options.max_heartbeat_interval,
           "the longest a client may ask for")
      .add("max-output-buffer-size", options.max_output_buffer_size, "bytes",
           "the largest a client may ask for")
      .add("max-output-buffer-timeout", options.max_output_buffer_timeout,
           "the longest a client may ask for")
      .add("min-output-buffer-timeout", options.min_output_buffer_timeout,
           "the shortest a client may ask for")
      .add("output-buffer-timeout", options.output_buffer_timeout,
           "the longest a message waits to be sent, if the client asks for none")
      .add("deflate", options.deflate, "let clients use deflate")
      .add("max-deflate-level", options.max_deflate_level, "level", "1 to 9")
      .add("snappy", options.snappy, "let clients use snappy");
}

void add_cluster_flags(FlagTable& flags, daemon::Options& options) {
  flags.group("Cluster")
      .add("lookupd-tcp-address", options.nsqlookupd_tcp_addresses, "host:port", "a lookupd")
      .key("nsqlookupd_tcp_addresses")
      .add("topology-region", options.topology_region, "name", "where this daemon runs")
      .add("topology-zone", options.topology_zone, "name", "where this daemon runs")
      .add("enable-experiment", options.enable_experiment, "name", "topology-aware-consumption")
      .words({"topology-aware-consumption"})
      .add("http-client-connect-timeout", options.http_client_connect_timeout,
           "for the daemon's own requests")
      .add("http-client-request-timeout", options.http_client_request_timeout,
           "for the daemon's own requests");
}

void add_security_flags(FlagTable& flags, daemon::Options& options) {
  flags.group("TLS")
      .add("tls-cert", options.tls_cert, "path", "certificate, PEM")
      .add("tls-key", options.tls_key, "path", "its key, PEM")
      .add_row(
          "tls-required", Kind::Special, "mode", options.tls_required,
          "true, false or tcp-https: the last leaves plain HTTP open. Write -tls-required=MODE",
          set_tls_required(options.tls_required))
      .words({"true", "false", "tcp-https"})
      .standing_alone();
  flags
      .add("tls-client-auth-policy", options.tls_client_auth_policy, "policy",
           "require or require-verify a client's certificate")
      .words({"require", "require-verify"})
      .add("tls-root-ca-file", options.tls_root_ca_file, "path", "PEM, to verify clients by")
      .add_row("tls-min-version", Kind::Special, "version", options.tls_min_version,
               "tls1.0, tls1.1, tls1.2 or tls1.3", set_tls_min_version(options.tls_min_version))
      .words({"tls1.0", "tls1.1", "tls1.2", "tls1.3"});
  flags.group("Authorisation")
      .add("auth-http-address", options.auth_http_addresses, "address",
           "an auth server, as host:port or URL")
      .key("auth_http_addresses")
      .add("auth-http-request-method", options.auth_http_request_method, "method", "get or post")
      .words({"get", "post"});
}

void add_statistics_flags(FlagTable& flags, daemon::Options& options) {
  flags.group("Statistics")
      .add("statsd-address", options.statsd_address, "host:port", "a statsd, over UDP")
      .add("statsd-interval", options.statsd_interval, "between two reports")
      .add("statsd-mem-stats", options.statsd_mem_stats, "report memory too")
      .add("statsd-prefix", options.statsd_prefix, "text", "of every key; %s is the host")
      .add("statsd-udp-packet-size", options.statsd_udp_packet_size, "bytes",
           "of a packet, at most")
      .add("statsd-exclude-ephemeral", options.statsd_exclude_ephemeral,
           "leave out what is ephemeral")
      .add("e2e-processing-latency-percentile", options.e2e_processing_latency_percentiles,
           "fractions", "of the time from publish to finish, like 0.99,0.5")
      .key("e2e_processing_latency_percentiles")
      .add("e2e-processing-latency-window-time", options.e2e_processing_latency_window_time,
           "the time the percentiles cover");
}

// Accepted because command lines have them.
void add_idle_flags(FlagTable& flags, DaemonFlags& into) {
  flags.group("Ineffective")
      .add("verbose", into.verbose, "use -log-level")
      .not_in_file()
      .add("worker-id", into.worker_id, "use -node-id")
      .not_in_file()
      .add("queue-scan-worker-pool-max", into.options.queue_scan_worker_pool_max, "number",
           "nothing is scanned")
      .add("queue-scan-selection-count", into.options.queue_scan_selection_count, "number",
           "nothing is scanned");
}

}  // namespace

void add_daemon_flags(FlagTable& flags, DaemonFlags& into) {
  add_server_flags(flags, into);
  add_storage_flags(flags, into.options);
  add_client_flags(flags, into.options);
  add_cluster_flags(flags, into.options);
  add_security_flags(flags, into.options);
  add_statistics_flags(flags, into.options);
  add_idle_flags(flags, into);
}

bool finish_daemon_flags(DaemonFlags& chosen) {
  // -1 is the options' way of saying that none was chosen.
  if (chosen.has_node_id && (chosen.node_id < 0 || chosen.node_id > kMaxNodeId)) {
    log::fatal("failed to instantiate nsqd - --node-id must be [0,1024)");
    return false;
  }
  daemon::Options& options = chosen.options;
  if (chosen.has_node_id) options.id = chosen.node_id;
  if (!options.log_file.empty() && !log::set_file(options.log_file)) {
    log::fatal("cannot open the log file {} - {}", options.log_file, std::strerror(errno));
    return false;
  }
  log::set_format(log::parse_format(options.log_format).value_or(log::Format::Text));
  set_up_log(options.log_prefix, options.log_level);
  return true;
}

}  // namespace nsq::cli
