#include "daemon/start_options.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <charconv>
#include <system_error>
#include <utility>

#include "daemon/tls_settings.h"
#include "net/address_range.h"

namespace nsq::daemon {
namespace {

constexpr std::int64_t kNodeIds = 1024;

std::string host_name() {
  char name[256] = "";
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "";
}

Error refusal(std::string text) {
  return Error(std::make_error_code(std::errc::invalid_argument), std::move(text));
}

// What the original accepts and then works badly with.
Result<void> check_numbers(const Options& options) {
  struct Least {
    const char* flag;
    std::int64_t value;
    std::int64_t least;
  };
  const Least rows[] = {
      {"mem-queue-size", options.mem_queue_size, 0},
      {"max-bytes-per-file", options.max_bytes_per_file, 1},
      {"sync-every", options.sync_every, 1},
      {"max-msg-size", options.max_msg_size, 1},
      {"max-body-size", options.max_body_size, 1},
      {"max-rdy-count", options.max_rdy_count, 1},
      {"max-channel-consumers", options.max_channel_consumers, 0},
      {"io-threads", options.io_threads, 0},
  };
  for (const auto& [flag, value, least] : rows) {
    if (value < least) return refusal(fmt::format("--{} must be at least {}", flag, least));
  }
  if (options.max_defer_timeout < Duration::zero()) {
    return refusal("--max-defer-timeout must be positive, or 0 for that of max-req-timeout");
  }
  const std::pair<const char*, Duration> durations[] = {
      {"sync-timeout", options.sync_timeout},
      {"msg-timeout", options.msg_timeout},
      {"max-msg-timeout", options.max_msg_timeout},
      {"statsd-interval", options.statsd_interval},
      {"e2e-processing-latency-window-time", options.e2e_processing_latency_window_time},
  };
  for (const auto& [flag, value] : durations) {
    if (value <= Duration::zero()) return refusal(fmt::format("--{} must be positive", flag));
  }
  return {};
}

Result<void> check(const Options& options) {
  if (options.max_deflate_level < 1 || options.max_deflate_level > 9) {
    return refusal("--max-deflate-level must be [1,9]");
  }
  if (options.id < 0 || options.id >= kNodeIds) return refusal("--node-id must be [0,1024)");
  // The contexts themselves are made by those who keep them.
  const auto server_tls = server_tls_context(options);
  if (!server_tls) return server_tls.error();
  if (options.tls_required != "false" && *server_tls == nullptr) {
    return refusal("cannot require TLS client connections without TLS key and cert");
  }
  if (!options.tls_root_ca_file.empty()) {
    if (auto client_tls = client_tls_context(options); !client_tls) return client_tls.error();
  }
  if (options.auth_http_request_method != "get" && options.auth_http_request_method != "post") {
    return refusal("--auth-http-request-method must be post or get");
  }
  for (const double percentile : options.e2e_processing_latency_percentiles) {
    if (!(percentile > 0 && percentile <= 1)) {
      return refusal(fmt::format("invalid E2E processing latency percentile: {}", percentile));
    }
  }
  const std::string& cidr = options.allow_config_from_cidr;
  if (!cidr.empty() && !net::AddressRange::parse(cidr)) {
    return refusal(fmt::format(
        "failed to parse --allow-config-from-cidr ({0}) - invalid CIDR address: {0}", cidr));
  }
  return check_numbers(options);
}

}  // namespace

std::int64_t default_node_id(std::string_view name) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(name.data(), name.size(), digest.data(), &size, EVP_md5(), nullptr);
  return static_cast<std::int64_t>(crc32(0, digest.data(), size)) % kNodeIds;
}

std::string expand_statsd_prefix(std::string_view prefix, std::string_view address,
                                 std::int64_t port) {
  std::string key = fmt::format("{}:{}", address, port);
  if (address.find(':') != std::string_view::npos) key = fmt::format("[{}]:{}", address, port);
  for (char& c : key) {
    if (c == '.' || c == ':') c = '_';
  }
  std::string expanded(prefix);
  for (auto at = expanded.find("%s"); at != std::string::npos;
       at = expanded.find("%s", at + key.size())) {
    expanded.replace(at, 2, key);
  }
  if (!expanded.empty() && expanded.back() != '.') expanded += '.';
  return expanded;
}

Result<Options> checked_options(Options options) {
  if (options.id == -1) options.id = default_node_id(host_name());
  if (options.broadcast_address.empty()) options.broadcast_address = host_name();
  // A policy for client certificates means nothing while clients may do without TLS.
  if (!options.tls_client_auth_policy.empty() && options.tls_required == "false") {
    options.tls_required = "true";
  }
  if (auto good = check(options); !good) return good.error();
  options.max_defer_timeout = options.longest_defer();
  return options;
}

void fill_in_ports(Options& options, int tcp_port, int http_port) {
  if (options.broadcast_tcp_port == 0 && tcp_port > 0) options.broadcast_tcp_port = tcp_port;
  if (options.broadcast_http_port == 0 && http_port > 0) options.broadcast_http_port = http_port;
  options.statsd_prefix = expand_statsd_prefix(options.statsd_prefix, options.broadcast_address,
                                               options.broadcast_http_port);
}

std::optional<unsigned> unix_socket_mode(const Options& options) {
  const std::string& text = options.unix_socket_mode;
  unsigned mode = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return mode;
}

broker::Options broker_options(const Options& options) {
  broker::Options result;
  result.durability = options.durability;
  result.node_id = static_cast<std::uint32_t>(options.id);
  result.mem_queue_size = static_cast<std::uint64_t>(options.mem_queue_size);
  result.max_bytes_per_file = static_cast<std::uint64_t>(options.max_bytes_per_file);
  result.reserve_bytes = broker::kReserveBytes;
  result.sync_every = static_cast<std::uint64_t>(options.sync_every);
  result.sync_timeout = options.sync_timeout;
  result.max_msg_timeout = options.max_msg_timeout;
  result.max_channel_consumers = static_cast<std::uint64_t>(options.max_channel_consumers);
  result.e2e_processing_latency_percentiles = options.e2e_processing_latency_percentiles;
  result.e2e_processing_latency_window_time = options.e2e_processing_latency_window_time;
  return result;
}

}  // namespace nsq::daemon
