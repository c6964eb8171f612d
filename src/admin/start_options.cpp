#include "admin/start_options.h"

#include <fmt/format.h>

#include <utility>

#include "admin/graphite.h"
#include "http/router.h"
#include "http/url.h"
#include "net/address.h"
#include "net/tls_context.h"

namespace nsq::admin {
namespace {

Error refusal(std::string text) {
  return Error(std::make_error_code(std::errc::invalid_argument), std::move(text));
}

// Names are looked up when they are needed: a server that starts before its neighbours are in DNS
// must not give up.
Result<void> check_addresses(std::string_view flag, const std::vector<std::string>& addresses) {
  for (const std::string& text : addresses) {
    const auto address = net::Address::parse(text);
    if (!address.is_tcp() || !net::resolve_port(address)) {
      return refusal(
          fmt::format("failed to resolve {} ({}) - address {}: not host:port", flag, text, text));
    }
  }
  return {};
}

Result<std::shared_ptr<const net::TlsContext>> make_tls(const Options& options) {
  if (options.http_client_tls_cert.empty() && !options.http_client_tls_key.empty()) {
    return refusal("--http-client-tls-key must be specified with --http-client-tls-cert");
  }
  if (!options.http_client_tls_cert.empty() && options.http_client_tls_key.empty()) {
    return refusal("--http-client-tls-cert must be specified with --http-client-tls-key");
  }
  return net::TlsContext::for_client(
      {.cert_file = options.http_client_tls_cert,
       .key_file = options.http_client_tls_key,
       .root_ca_file = options.http_client_tls_root_ca_file,
       .insecure_skip_verify = options.http_client_tls_insecure_skip_verify});
}

Result<void> check_graphite(const Options& options) {
  if (!options.proxy_graphite || options.graphite_url.empty()) return {};
  std::string url = options.graphite_url;
  take_credentials(url);
  if (http::parse_url(url)) return {};
  return refusal(
      fmt::format("failed to parse --graphite-url ({}) - not an http or https URL", url));
}

Result<void> check_numbers(const Options& options) {
  if (options.history_series < 1) return refusal("--history-series must be at least 1");
  if (options.history_interval < Duration::zero()) {
    return refusal("--history-interval must not be negative");
  }
  if (options.straggler_timeout <= Duration::zero()) {
    return refusal("--straggler-timeout must be positive");
  }
  return {};
}

}  // namespace

std::string clean_base_path(std::string_view path) {
  std::string cleaned = http::clean_path(fmt::format("/{}", path));
  while (cleaned.size() > 1 && cleaned.ends_with('/')) cleaned.pop_back();
  return cleaned;
}

Result<CheckedOptions> check_options(Options options) {
  const bool has_lookupds = !options.nsqlookupd_http_addresses.empty();
  const bool has_daemons = !options.nsqd_http_addresses.empty();
  if (!has_lookupds && !has_daemons) {
    return refusal("--nsqd-http-address or --lookupd-http-address required");
  }
  if (has_lookupds && has_daemons) {
    return refusal("use --nsqd-http-address or --lookupd-http-address not both");
  }
  auto tls = make_tls(options);
  if (!tls) return tls.error();
  if (auto checked = check_addresses("--lookupd-http-address", options.nsqlookupd_http_addresses);
      !checked) {
    return checked.error();
  }
  if (auto checked = check_addresses("--nsqd-http-address", options.nsqd_http_addresses);
      !checked) {
    return checked.error();
  }
  if (auto checked = check_graphite(options); !checked) return checked.error();
  std::optional<net::AddressRange> range;
  if (!options.allow_config_from_cidr.empty()) {
    range = net::AddressRange::parse(options.allow_config_from_cidr);
    if (!range) {
      return refusal(
          fmt::format("failed to parse --allow-config-from-cidr ({0}) - invalid CIDR address: {0}",
                      options.allow_config_from_cidr));
    }
  }
  if (auto checked = check_numbers(options); !checked) return checked.error();
  options.base_path = clean_base_path(options.base_path);
  const http::ClientOptions client{.connect_timeout = options.http_client_connect_timeout,
                                   .request_timeout = options.http_client_request_timeout,
                                   .follow_https_port = true,
                                   .tls = std::move(*tls)};
  return CheckedOptions{std::move(options), client, range};
}

}  // namespace nsq::admin
