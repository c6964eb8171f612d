#include "daemon/start_options.h"

#include <type_traits>
#include <utility>

#include "support/catch.h"
#include "support/certificates.h"

using namespace nsq::daemon;

namespace {

// Why options are refused; "" if they are not.
std::string refusal(Options options) {
  const auto checked = checked_options(std::move(options));
  return checked ? "" : checked.error().context();
}

// Why the defaults are refused with one of them changed.
template <typename T>
std::string refusal(T Options::*option, std::type_identity_t<T> value) {
  Options options;
  options.*option = std::move(value);
  return refusal(std::move(options));
}

}  // namespace

TEST_CASE("options that cannot work are refused with one line", "[daemon]") {
  CHECK(refusal(Options()) == "");
  CHECK(refusal(&Options::max_deflate_level, 0) == "--max-deflate-level must be [1,9]");
  CHECK(refusal(&Options::max_deflate_level, 10) == "--max-deflate-level must be [1,9]");
  CHECK(refusal(&Options::id, 1024) == "--node-id must be [0,1024)");
  CHECK(refusal(&Options::id, -2) == "--node-id must be [0,1024)");
  CHECK(refusal(&Options::tls_required, "true") ==
        "cannot require TLS client connections without TLS key and cert");
  CHECK(refusal(&Options::tls_client_auth_policy, "require") ==
        "cannot require TLS client connections without TLS key and cert");
  CHECK(refusal(&Options::auth_http_request_method, "POST") ==
        "--auth-http-request-method must be post or get");
  CHECK(refusal(&Options::e2e_processing_latency_percentiles, {0.5, 1.5}) ==
        "invalid E2E processing latency percentile: 1.5");
  CHECK(refusal(&Options::e2e_processing_latency_percentiles, {0.0}) ==
        "invalid E2E processing latency percentile: 0");
  CHECK(refusal(&Options::allow_config_from_cidr, "10.0.0.1") ==
        "failed to parse --allow-config-from-cidr (10.0.0.1) - invalid CIDR address: 10.0.0.1");
  CHECK(refusal(&Options::max_defer_timeout, nsq::Duration(-1)) ==
        "--max-defer-timeout must be positive, or 0 for that of max-req-timeout");
  CHECK(refusal(&Options::mem_queue_size, -1) == "--mem-queue-size must be at least 0");
  CHECK(refusal(&Options::sync_timeout, nsq::Duration::zero()) ==
        "--sync-timeout must be positive");
}

TEST_CASE("of several mistakes the original's first is told", "[daemon]") {
  Options options;
  options.mem_queue_size = -1;
  options.auth_http_request_method = "";
  CHECK(refusal(options) == "--auth-http-request-method must be post or get");
  options.id = 5000;
  CHECK(refusal(options) == "--node-id must be [0,1024)");
  options.max_deflate_level = 0;
  CHECK(refusal(options) == "--max-deflate-level must be [1,9]");
}

TEST_CASE("a publish may be deferred as long as a message requeued, unless said otherwise",
          "[daemon]") {
  Options options;
  options.max_req_timeout = std::chrono::minutes(5);
  CHECK(checked_options(options).value().max_defer_timeout == std::chrono::minutes(5));
  options.max_defer_timeout = std::chrono::hours(24);
  CHECK(checked_options(options).value().max_defer_timeout == std::chrono::hours(24));
}

TEST_CASE("a node's id comes from the host's name", "[daemon]") {
  CHECK(default_node_id("nsqd-1") == 958);
  CHECK(default_node_id("localhost") == 16);
  const auto checked = checked_options({});
  REQUIRE(checked);
  CHECK((checked->id >= 0 && checked->id < 1024));
  CHECK_FALSE(checked->broadcast_address.empty());
}

TEST_CASE("ports that were left open are filled in once they are known", "[daemon]") {
  Options options;
  options.broadcast_address = "10.0.0.1";
  fill_in_ports(options, 14150, 14151);
  CHECK(options.broadcast_tcp_port == 14150);
  CHECK(options.broadcast_http_port == 14151);
  CHECK(options.statsd_prefix == "nsq.10_0_0_1_14151.");
  Options chosen;
  chosen.broadcast_tcp_port = 1;
  chosen.broadcast_http_port = 2;
  fill_in_ports(chosen, -1, 0);
  CHECK(chosen.broadcast_tcp_port == 1);
  CHECK(chosen.broadcast_http_port == 2);
}

TEST_CASE("a statsd prefix names the host in a form its keys can hold", "[daemon]") {
  CHECK(expand_statsd_prefix("nsq.%s", "10.0.0.1", 4151) == "nsq.10_0_0_1_4151.");
  CHECK(expand_statsd_prefix("%s.%s.", "h", 1) == "h_1.h_1.");
  CHECK(expand_statsd_prefix("a%d.%s", "::1", 4151) == "a%d.[__1]_4151.");
  CHECK(expand_statsd_prefix("plain", "h", 1) == "plain.");
  CHECK(expand_statsd_prefix("", "h", 1) == "");
}

TEST_CASE("certificates that cannot work are refused with one line", "[daemon]") {
  const nsq::test::Certificates made;
  Options options;
  options.tls_cert = made.server().cert;
  options.tls_key = made.server().key;
  CHECK(refusal(options) == "");
  CHECK(checked_options(options)->tls_required == "false");

  Options keyless = options;
  keyless.tls_key.clear();
  CHECK(refusal(keyless) == "failed to build TLS config - open : no such file or directory");
  Options mismatched = options;
  mismatched.tls_key = made.client().key;
  CHECK(refusal(mismatched) ==
        "failed to build TLS config - key " + made.client().key + ": key values mismatch");
  Options distrustful = options;
  distrustful.tls_root_ca_file = made.server().key;  // which is no certificate
  CHECK(refusal(distrustful) ==
        "failed to build TLS config - failed to append certificate to pool");
  distrustful.tls_cert = distrustful.tls_key = "";
  CHECK(refusal(distrustful) ==
        "failed to build client TLS config - failed to append certificate to pool");
  Options mistyped = options;
  mistyped.tls_client_auth_policy = "required";
  CHECK(refusal(mistyped) == "--tls-client-auth-policy must be require or require-verify");
  mistyped.tls_client_auth_policy = "require";
  CHECK(checked_options(mistyped)->tls_required == "true");
}
