#include "daemon/config_api.h"

#include "api_fixture.h"
#include "base/log.h"
#include "support/catch.h"

using namespace nsq::daemon::test;
using nsq::daemon::Options;

TEST_CASE("options are shown under their configuration names, each in its form", "[daemon]") {
  Options options;
  options.id = 5;
  options.log_prefix = "[x] ";
  options.mem_queue_size = 123;
  options.msg_timeout = std::chrono::seconds(7);
  options.tls_required = "tcp-https";
  options.tls_min_version = "tls1.2";
  options.enable_experiment = {"a", "b<"};
  options.e2e_processing_latency_percentiles = {0.99, 1};
  ApiFixture api(options);
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{
           {"id", "5"},
           {"log_prefix", "[x] "},
           {"mem_queue_size", "123"},
           {"msg_timeout", "7000000000"},
           {"deflate", "true"},
           {"tls_cert", ""},
           {"tls_required", "1"},
           {"tls_min_version", "771"},
           {"enable_experiment", R"(["a","b\u003c"])"},
           {"nsqlookupd_tcp_addresses", "[]"},
           {"e2e_processing_latency_percentiles", "[0.99,1]"},
       }) {
    INFO(name);
    CHECK(api.get("/config/" + name) == ok(value));
  }
}

TEST_CASE("what is no option is said to be none", "[daemon]") {
  ApiFixture api;
  for (const char* name : {"nope", "node_id", "config", "version", "verbose", "worker_id"}) {
    CHECK(api.get("/config/" + std::string(name)) == refused(400, "INVALID_OPTION"));
  }
}

TEST_CASE("the log level is changed by a bare word", "[daemon]") {
  ApiFixture api;
  const auto before = nsq::log::level();
  for (const auto& [word, number] : std::vector<std::pair<const char*, const char*>>{
           {"debug", "1"}, {"INFO", "2"}, {"Warn", "3"}, {"error", "4"}, {"fatal", "5"}}) {
    CHECK(api.ask("PUT", "/config/log_level", word) == ok(number));
    CHECK(api.get("/config/log_level") == ok(number));
  }
  for (const char* word : {"warning", "\"info\"", "info\n", " info", "2"}) {
    CHECK(api.ask("PUT", "/config/log_level", word) == refused(400, "INVALID_VALUE"));
  }
  nsq::log::set_level(before);
}

TEST_CASE("the addresses of lookupds are changed by a JSON array", "[daemon]") {
  ApiFixture api;
  const std::string target = "/config/nsqlookupd_tcp_addresses";
  CHECK(api.ask("PUT", target, R"( ["a:1", "b:2"] )") == ok(R"(["a:1","b:2"])"));
  CHECK(api.settings.nsqlookupd_tcp_addresses() == std::vector<std::string>{"a:1", "b:2"});
  CHECK(api.get(target) == ok(R"(["a:1","b:2"])"));
  for (const char* value : {"a:1", R"("a:1")", "[1]", "[\"a\"", "{}", "[\"a\"] x"}) {
    INFO(value);
    CHECK(api.ask("PUT", target, value) == refused(400, "INVALID_VALUE"));
  }
  CHECK(api.ask("PUT", target, "null") == ok("[]"));
}

TEST_CASE("/config is for those within the range of addresses", "[daemon]") {
  Options options;
  options.allow_config_from_cidr = "10.0.0.0/8";
  ApiFixture api(options);
  for (const auto& [remote, status] : std::vector<std::pair<const char*, int>>{
           {"10.1.2.3:4567", 200},
           {"[::ffff:10.1.2.3]:4567", 200},
           {"11.1.2.3:4567", 403},
           {"[::1]:4567", 403},
           {"@", 403},
           {"?", 403},
       }) {
    INFO(remote);
    api.remote = remote;
    CHECK(api.get("/config/max_rdy_count").status == status);
    CHECK(api.ask("PUT", "/config/nsqlookupd_tcp_addresses", "[]").status == status);
    CHECK(api.get("/ping").status == 200);
  }
  api.remote = "11.1.2.3:4567";
  CHECK(api.get("/config/max_rdy_count") == refused(403, "FORBIDDEN"));
}

TEST_CASE("a change is looked at before its option", "[daemon]") {
  Options options;
  options.max_msg_size = 100;
  ApiFixture api(options);
  CHECK(api.ask("PUT", "/config/nope", "") == refused(413, "INVALID_VALUE"));
  CHECK(api.ask("PUT", "/config/nope", std::string(101, 'x')) == refused(413, "INVALID_VALUE"));
  CHECK(api.ask("PUT", "/config/nope", "x") == refused(400, "INVALID_OPTION"));
  CHECK(api.ask("PUT", "/config/mem_queue_size", "5") == refused(400, "INVALID_OPTION"));
}
