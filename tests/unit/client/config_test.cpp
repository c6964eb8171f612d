#include "nsq/config.h"

#include <string>

#include "nsq/client_error.h"
#include "nsq/consumer.h"
#include "nsq/producer.h"
#include "support/catch.h"

using namespace nsq;
using namespace std::chrono_literals;

namespace {

std::string refusal(const Result<void>& result) {
  REQUIRE(!result);
  CHECK(result.error() == ClientErrc::InvalidOption);
  return result.error().context();
}

}  // namespace

TEST_CASE("options are set by their names, with - or _", "[client]") {
  Config config;
  CHECK(config.set("max_in_flight", "200"));
  CHECK(config.set("max-attempts", "0"));
  CHECK(config.set("lookupd_poll_interval", "1m30s"));
  CHECK(config.set("lookupd-poll-jitter", "0.5"));
  CHECK(config.set("tls_v1", "true"));
  CHECK(config.set("auth_secret", "s3cret"));
  CHECK(config.set("backoff_strategy", "full_jitter"));
  CHECK(config.set("heartbeat_interval", "-1ns"));
  CHECK(config.max_in_flight == 200);
  CHECK(config.max_attempts == 0);
  CHECK(config.lookupd_poll_interval == 90s);
  CHECK(config.lookupd_poll_jitter == 0.5);
  CHECK(config.tls_v1);
  CHECK(config.auth_secret == "s3cret");
  CHECK(config.backoff_strategy == BackoffStrategy::FullJitter);
  CHECK(config.validate());
}

TEST_CASE("what cannot be set says why and changes nothing", "[client]") {
  Config config;
  CHECK(refusal(config.set("bogus", "1")) == "invalid option bogus");
  CHECK(refusal(config.set("max_in_flight", "many")) ==
        "failed to coerce option max_in_flight (many) - not an integer");
  CHECK(refusal(config.set("max_attempts", "70000")) == "invalid max_attempts ! 70000 > 65535");
  CHECK(refusal(config.set("sample_rate", "-1")) == "invalid sample_rate ! -1 < 0");
  CHECK(refusal(config.set("read_timeout", "10m")) == "invalid read_timeout ! 10m0s > 5m0s");
  CHECK(refusal(config.set("lookupd_poll_jitter", "nan")) ==
        "invalid lookupd_poll_jitter ! nan > 1");
  CHECK(refusal(config.set("backoff_strategy", "linear")).find("linear") != std::string::npos);
  CHECK(config.max_attempts == 5);
  CHECK(config.read_timeout == 60s);
}

TEST_CASE("a consumer or producer names the option that makes no sense", "[client]") {
  const auto refuses = [](Config config, const std::string& name) {
    CAPTURE(name);
    const auto consumer = Consumer::create(
        "t", "c", [](Message&) {}, config);
    REQUIRE(!consumer);
    CHECK(consumer.error().context().find(name) != std::string::npos);
    const auto producer = Producer::create("127.0.0.1:1", config);
    REQUIRE(!producer);
    CHECK(producer.error().context().find(name) != std::string::npos);
  };
  Config config;
  config.max_in_flight = -1;
  refuses(config, "invalid max_in_flight ! -1 < 0");
  config = {};
  config.heartbeat_interval = 90s;
  refuses(config, "heartbeat_interval 1m30s must not be more than read_timeout 1m0s");
  config = {};
  config.snappy = config.deflate = true;
  refuses(config, "snappy and deflate");
  config = {};
  config.tls_min_version = "tls9";
  refuses(config, "tls_min_version");
  config = {};
  config.local_addr = "nowhere";
  refuses(config, "local_addr");
  config = {};
  config.tls_cert = "cert.pem";
  refuses(config, "tls_key");
}

TEST_CASE("names and handlers are checked when a consumer is made", "[client]") {
  const auto reason = [](ConsumerOptions options) {
    const auto consumer = Consumer::create(std::move(options));
    REQUIRE(!consumer);
    return consumer.error().context();
  };
  const Handler handler = [](Message&) {};
  CHECK(reason({.topic = "a b", .channel = "c", .handler = handler}) == "invalid topic name");
  CHECK(reason({.topic = "t", .channel = "", .handler = handler}) == "invalid channel name");
  CHECK(reason({.topic = "t", .channel = "c"}) == "no handlers");
  CHECK(reason({.topic = "t", .channel = "c", .handler = handler, .concurrency = 0}) ==
        "concurrency must be 1 to 10000");
  Config config;
  config.heartbeat_interval = -1ns;
  CHECK(reason({.topic = "t", .channel = "c", .config = config, .handler = handler})
            .find("heartbeat_interval") != std::string::npos);
}

TEST_CASE("certificates are read when a consumer or producer is made", "[client]") {
  Config config;
  config.tls_v1 = true;
  config.tls_root_ca_file = "/nonexistent/ca.pem";
  const auto producer = Producer::create("127.0.0.1:1", config);
  REQUIRE(!producer);
  CHECK(producer.error().to_string().find("/nonexistent/ca.pem") != std::string::npos);
}
