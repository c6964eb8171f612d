#include "admin/start_options.h"

#include "support/catch.h"

using namespace nsq::admin;

namespace {

Options good() {
  Options options;
  options.nsqlookupd_http_addresses = {"lookup:4161"};
  return options;
}

std::string refusal(const Options& options) {
  const auto checked = check_options(options);
  return checked ? "" : checked.error().context();
}

}  // namespace

TEST_CASE("an admin server needs lookupds or daemons, and not both", "[admin]") {
  CHECK(refusal({}) == "--nsqd-http-address or --lookupd-http-address required");
  Options both = good();
  both.nsqd_http_addresses = {"h:1"};
  CHECK(refusal(both) == "use --nsqd-http-address or --lookupd-http-address not both");
  CHECK(refusal(good()).empty());
}

TEST_CASE("names are not looked up at the start, but must look like addresses", "[admin]") {
  Options options = good();
  options.nsqlookupd_http_addresses = {"nowhere.invalid:4161"};
  CHECK(refusal(options).empty());
  for (const char* bad : {"http://h:1", "h", "h:nothing-of-the-kind"}) {
    options.nsqlookupd_http_addresses = {bad};
    CHECK(refusal(options).starts_with("failed to resolve --lookupd-http-address ("));
  }
}

TEST_CASE("contradictions are refused in the original's words", "[admin]") {
  Options options = good();
  options.http_client_tls_key = "k";
  CHECK(refusal(options) == "--http-client-tls-key must be specified with --http-client-tls-cert");
  options = good();
  options.http_client_tls_cert = "c";
  CHECK(refusal(options) == "--http-client-tls-cert must be specified with --http-client-tls-key");
  options = good();
  options.allow_config_from_cidr = "all";
  CHECK(refusal(options) ==
        "failed to parse --allow-config-from-cidr (all) - invalid CIDR address: all");
  options = good();
  options.proxy_graphite = true;
  options.graphite_url = "ftp://x";
  CHECK(refusal(options).starts_with("failed to parse --graphite-url (ftp://x) - "));
  options = good();
  options.history_series = 0;
  CHECK(refusal(options) == "--history-series must be at least 1");
}

TEST_CASE("an empty range opens the configuration to everybody", "[admin]") {
  Options options = good();
  options.allow_config_from_cidr = "";
  CHECK_FALSE(check_options(options)->config_range);
}

TEST_CASE("the base path begins with a slash and ends without one", "[admin]") {
  CHECK(clean_base_path("") == "/");
  CHECK(clean_base_path("/") == "/");
  CHECK(clean_base_path("foo/bar/") == "/foo/bar");
  CHECK(clean_base_path("//foo/./x/../bar//") == "/foo/bar");
}
