#include "admin/admin.h"

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/catch.h"
#include "support/fake_server.h"
#include "support/http_client.h"
#include "support/quiet_log.h"

using namespace nsq::admin;
using namespace std::chrono_literals;
using nsq::test::FakeAnswer;
using nsq::test::FakeServer;
using nsq::test::HttpAnswer;
using nsq::test::HttpClient;

namespace {

const std::string kStats =
    R"({"version":"1.3.0","health":"OK","topics":[{"topic_name":"t","depth":2,"message_count":3,
    "channels":[{"channel_name":"c","depth":4,"clients":[]}]}]})";

// A server that plays daemons on a thread of its own, and an admin server that asks them directly.
class AdminFixture {
 public:
  ~AdminFixture() {
    if (admin) admin->stop();
    loop.stop();
    if (thread_.joinable()) thread_.join();
  }

  // A daemon; `is_hanging` ones never answer.
  FakeServer& add(bool is_hanging = false) {
    daemons.push_back(std::make_unique<FakeServer>(
        loop, [is_hanging](const std::string& asked) -> std::optional<FakeAnswer> {
          if (is_hanging) return std::nullopt;
          if (asked == "GET /info") return FakeAnswer{200, R"({"version":"1.3.0"})"};
          return FakeAnswer{200, asked.starts_with("GET") ? kStats : ""};
        }));
    return *daemons.back();
  }
  void start(Options options = {}) {
    options.http_address = "127.0.0.1:0";
    options.history_interval = nsq::Duration::zero();
    for (const auto& daemon : daemons) options.nsqd_http_addresses.push_back(daemon->address());
    thread_ = std::thread([this] {
      const auto work = asio::make_work_guard(loop);
      loop.run();
    });
    admin = std::make_unique<Admin>(std::move(options));
    REQUIRE(admin->start());
  }
  HttpAnswer get(const std::string& target) {
    return HttpClient("127.0.0.1", static_cast<std::uint16_t>(admin->http_port())).get(target);
  }
  HttpAnswer post(const std::string& target, const std::string& body) {
    return HttpClient("127.0.0.1", static_cast<std::uint16_t>(admin->http_port()))
        .post(target, body);
  }

  nsq::test::QuietLog quiet;
  asio::io_context loop;
  std::vector<std::unique_ptr<FakeServer>> daemons;
  std::unique_ptr<Admin> admin;

 private:
  std::thread thread_;
};

}  // namespace

TEST_CASE("pages are there although twenty of two hundred daemons hang, and name them", "[admin]") {
  AdminFixture fixture;
  for (int i = 0; i < 200; ++i) fixture.add(i % 10 == 3);
  // Were those that hang waited for, the client would give up.
  fixture.start({.http_client_request_timeout = 1h, .straggler_timeout = 200ms});
  for (const char* target : {"/api/topics", "/api/topics/t", "/api/overview", "/api/counter"}) {
    const HttpAnswer answer = fixture.get(target);
    CHECK(answer.status == 200);
    CHECK(answer.body.find("WARNING: ") != std::string::npos);
    CHECK(answer.body.find(fixture.daemons[3]->address()) != std::string::npos);
    CHECK(answer.body.find("no answer within 200ms") != std::string::npos);
  }
}

TEST_CASE("a topic is summed up without changing what its nodes say", "[admin]") {
  AdminFixture fixture;
  fixture.add();
  fixture.add();
  fixture.start();
  const std::string body = fixture.get("/api/topics/t").body;
  CHECK(body.starts_with(
      R"({"node":"*","hostname":"","topic_name":"t","depth":4,"memory_depth":4,)"
      R"("backend_depth":0,"message_count":6,"delivery_msg_count":0,"nodes":[{"node":"127.0.0.1:)"));
  CHECK(body.find(R"("channels":[{"node":"*","hostname":"","topic_name":"t","channel_name":"c",)"
                  R"("depth":8)") != std::string::npos);
  CHECK(body.ends_with(R"("message":""})"));
}

TEST_CASE("/metrics counts requests, questions that failed, and shared answers", "[admin]") {
  AdminFixture fixture;
  fixture.add();
  fixture.daemons.push_back(std::make_unique<FakeServer>(fixture.loop, [](const std::string&) {
    return FakeAnswer{500, "no"};
  }));
  fixture.start();
  CHECK(fixture.get("/api/topics").status == 200);
  CHECK(fixture.get("/").status == 200);
  const std::string text = fixture.get("/metrics").body;
  for (const char* line :
       {"\nnsqadmin_requests_total{kind=\"page\"} 1\n",
        "\nnsqadmin_requests_total{kind=\"query\"} 1\n", "\nnsqadmin_upstream_requests_total 2\n",
        "\nnsqadmin_upstream_failures_total 1\n", "\nnsqadmin_cache_hits_total 0\n",
        "\nnsqadmin_cache_misses_total 0\n"}) {
    CAPTURE(text, line);
    CHECK(text.find(line) != std::string::npos);
  }
}

TEST_CASE("what is not there is not found", "[admin]") {
  AdminFixture fixture;
  fixture.add();
  fixture.start();
  CHECK(fixture.get("/api/topics/t/nowhere").status == 404);
  CHECK(fixture.get("/api/topics/t/nowhere").body == R"({"message":"CHANNEL_NOT_FOUND"})");
  CHECK(fixture.get("/api/nodes/h:1").body == R"({"message":"NODE_NOT_FOUND"})");
}

TEST_CASE("without lookupds topics and channels are created on every daemon", "[admin]") {
  AdminFixture fixture;
  FakeServer& first = fixture.add();
  FakeServer& second = fixture.add();
  fixture.start();
  const HttpAnswer answer = fixture.post("/api/topics", R"({"topic":"new","channel":"c"})");
  CHECK(answer.status == 200);
  CHECK(answer.body == R"({"message":""})");
  const std::vector<std::string> expected{"POST /topic/create?topic=new",
                                          "POST /channel/create?topic=new&channel=c"};
  CHECK(first.asked() == expected);
  CHECK(second.asked() == expected);
}

TEST_CASE("a message is published to a node that has the topic", "[admin]") {
  AdminFixture fixture;
  FakeServer& daemon = fixture.add();
  fixture.start();
  CHECK(fixture.post("/api/publish", R"({"topic":"t","body":"hello","defer_ms":5})").status == 200);
  CHECK(daemon.asked().back() == "POST /pub?topic=t&defer=5");
  CHECK(daemon.bodies().back() == "hello");
  CHECK(fixture.post("/api/publish", R"({"topic":"t","body":"a\nb","split":true})").status == 200);
  CHECK(daemon.asked().back() == "POST /mpub?topic=t");
}

TEST_CASE("what cannot be published is refused before anybody is asked", "[admin]") {
  AdminFixture fixture;
  FakeServer& daemon = fixture.add();
  fixture.start();
  for (const auto& [body, code] : std::vector<std::pair<std::string, std::string>>{
           {R"({"topic":"no!","body":"x"})", "INVALID_TOPIC"},
           {R"({"topic":"t","body":""})", "MSG_EMPTY"},
           {R"({"topic":"t","body":"x","defer_ms":-1})", "INVALID_DEFER"}}) {
    const HttpAnswer answer = fixture.post("/api/publish", body);
    CHECK(answer.status == 400);
    CHECK(answer.body == R"({"message":")" + code + R"("})");
  }
  CHECK(daemon.asked().empty());
}

TEST_CASE("if every daemon fails it is an upstream error", "[admin]") {
  AdminFixture fixture;
  fixture.daemons.push_back(std::make_unique<FakeServer>(fixture.loop, [](const std::string&) {
    return FakeAnswer{500, "no"};
  }));
  fixture.start();
  for (const char* target : {"/api/topics", "/api/nodes", "/api/topics/t", "/api/overview"}) {
    const HttpAnswer answer = fixture.get(target);
    CHECK(answer.status == 502);
    CHECK(answer.body.starts_with(
        R"({"message":"UPSTREAM_ERROR: failed to query any nsqd: got response 500)"));
  }
}
