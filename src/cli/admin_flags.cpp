#include "cli/admin_flags.h"

#include "cli/log_flags.h"

namespace nsq::cli {
namespace {

void add_server_flags(FlagTable& flags, admin::Options& options) {
  flags.group("Server")
      .add("http-address", options.http_address, "host:port", "where browsers and scripts ask")
      .add("base-path", options.base_path, "path", "put before every path, for a proxy in front")
      .add("dev-static-dir", options.dev_static_dir, "directory",
           "serve the page from here instead of the one built in; for working on it");
  add_log_flags(flags, options.log_level, options.log_prefix);
  flags.group("Cluster")
      .add("lookupd-http-address", options.nsqlookupd_http_addresses, "host:port", "a lookupd")
      .key("nsqlookupd_http_addresses")
      .add("nsqd-http-address", options.nsqd_http_addresses, "host:port",
           "a daemon, where there are no lookupds")
      .key("nsqd_http_addresses")
      .add("http-client-connect-timeout", options.http_client_connect_timeout,
           "for connecting to a daemon or lookupd")
      .add("http-client-request-timeout", options.http_client_request_timeout,
           "for a whole request to one")
      .add("straggler-timeout", options.straggler_timeout,
           "how long a page waits for servers that do not answer, once others have");
}

void add_security_flags(FlagTable& flags, admin::Options& options) {
  flags.group("Access")
      .add("acl-http-header", options.acl_http_header, "name",
           "the header in which a proxy names the user")
      .add("admin-user", options.admin_users, "name",
           "a user who may act; by default everybody may")
      .key("admin_users")
      .add("allow-config-from-cidr", options.allow_config_from_cidr, "range",
           "from where /config may be used; empty for everywhere");
  flags.group("TLS to daemons")
      .add("http-client-tls-root-ca-file", options.http_client_tls_root_ca_file, "path",
           "PEM, instead of the system's authorities")
      .add("http-client-tls-cert", options.http_client_tls_cert, "path",
           "a certificate to show, PEM")
      .add("http-client-tls-key", options.http_client_tls_key, "path", "its key, PEM")
      .add("http-client-tls-insecure-skip-verify", options.http_client_tls_insecure_skip_verify,
           "take any certificate");
}

void add_chart_flags(FlagTable& flags, admin::Options& options) {
  flags.group("Charts")
      .add("history-interval", options.history_interval,
           "between two samples of the history that charts are drawn from; 0s keeps none")
      .add("history-series", options.history_series, "series",
           "nodes, topics and channels to keep history of, 14.4 kB each")
      .add("attention-depth", options.attention_depth, "messages",
           "waiting at a channel that the overview calls deep");
  flags.group("Graphite")
      .add("graphite-url", options.graphite_url, "URL", "a Graphite, for its charts as well")
      .add("proxy-graphite", options.proxy_graphite, "fetch its charts through this server")
      .add("statsd-prefix", options.statsd_prefix, "text", "of every key, as the daemons have it")
      .add("statsd-counter-format", options.statsd_counter_format, "text",
           "of a counter's key; empty for the key alone")
      .add("statsd-gauge-format", options.statsd_gauge_format, "text",
           "of a gauge's key; empty for the key alone")
      .add("statsd-interval", options.statsd_interval, "as the daemons have it");
  flags.group("Notifications")
      .add("notification-http-endpoint", options.notification_http_endpoint, "URL",
           "gets a POST for every action");
}

}  // namespace

void add_admin_flags(FlagTable& flags, AdminFlags& into) {
  add_server_flags(flags, into.options);
  add_security_flags(flags, into.options);
  add_chart_flags(flags, into.options);
  flags.group("Ineffective").add("verbose", into.verbose, "use -log-level").not_in_file();
}

}  // namespace nsq::cli
