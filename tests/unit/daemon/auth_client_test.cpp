#include "daemon/auth_client.h"

#include <fmt/format.h>

#include <asio/post.hpp>
#include <atomic>
#include <chrono>
#include <future>
#include <mutex>
#include <optional>
#include <vector>

#include "http/server.h"
#include "net/event_loops.h"
#include "net/listener.h"
#include "support/catch.h"
#include "support/quiet_log.h"

using namespace nsq::daemon;
using namespace std::chrono_literals;
namespace http = nsq::http;
namespace net = nsq::net;

namespace {

constexpr std::string_view kGood =
    R"({"ttl":60,"identity":"me","authorizations":[
        {"topic":".*","channels":[".*"],"permissions":["publish"]}]})";

// An auth server that gives everybody the same answer, or none, and notes what it was asked.
class Server {
 public:
  Server(net::EventLoops& loops, int status, std::string body, bool answers = true)
      : status_(status), body_(std::move(body)), answers_(answers), server_(router_) {
    router_.answer_everything([this](http::Exchange& exchange) { answer(exchange); },
                              {.body_limit = 1 << 20, .is_logged = false});
    auto opened = net::Listener::open(loops, net::Address::parse("127.0.0.1:0"));
    REQUIRE(opened);
    listener_ = std::move(*opened);
    listener_->start([this](net::Socket socket) { server_.serve(std::move(socket)); });
  }

  std::string address() const { return fmt::format("127.0.0.1:{}", listener_->bound_port()); }
  // Requires: the loops still exist.
  void close() {
    listener_.reset();
    server_.close();
  }
  // What belongs to the loops goes before them. Requires: they have ended.
  void let_go() {
    held_.clear();
    listener_.reset();
  }
  // "GET /auth?... body", as asked so far.
  std::vector<std::string> asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  void answer(http::Exchange& exchange) {
    const http::Request& request = exchange.request;
    {
      const std::lock_guard lock(mutex_);
      asked_.push_back(fmt::format("{} {} {}", request.method_text, request.target, request.body));
    }
    if (!answers_) return held_.push_back(exchange.answer_later());
    exchange.response.plain(status_, body_);
  }

  const int status_;
  const std::string body_;
  const bool answers_;
  std::mutex mutex_;
  std::vector<std::string> asked_;
  http::Router router_;
  std::vector<http::Responder> held_;  // on the loop
  http::Server server_;
  std::unique_ptr<net::Listener> listener_;
};

class Waiter final : public AuthWaiter {
 public:
  void on_auth_answer(AuthAnswer answer) override { promise_.set_value(std::move(answer)); }
  AuthAnswer wait() {
    auto future = promise_.get_future();
    REQUIRE(future.wait_for(20s) == std::future_status::ready);
    return future.get();
  }

 private:
  std::promise<AuthAnswer> promise_;
};

class Fixture {
 public:
  Server& server(int status, std::string body, bool answers = true) {
    servers_.push_back(std::make_unique<Server>(loops, status, std::move(body), answers));
    options.auth_http_addresses.push_back(servers_.back()->address());
    return *servers_.back();
  }
  void start() {
    client.emplace(loops.loop(0), options);
    loops.start();
  }
  ~Fixture() {
    for (const auto& server : servers_) server->close();
    loops.stop();
    loops.join();
    for (const auto& server : servers_) server->let_go();
    loops.run_leftovers();
  }

  std::shared_ptr<Waiter> begin(AuthQuestion question = {"10.0.0.1", false, "", "secret"}) {
    auto waiter = std::make_shared<Waiter>();
    asio::post(loops.loop(0), [this, question, waiter] { client->ask(question, waiter); });
    return waiter;
  }
  AuthAnswer ask() { return begin()->wait(); }

  nsq::test::QuietLog quiet;
  net::EventLoops loops{1};  // outlives all that is bound to it
  Options options;
  std::optional<AuthClient> client;

 private:
  std::vector<std::unique_ptr<Server>> servers_;
};

}  // namespace

TEST_CASE("a question goes into the query string, or as JSON into the body", "[auth]") {
  const AuthQuestion question{"10.0.0.1", true, "client.example", "sec ret&\xc3\xa9="};
  const auto get = auth_request("host:4180", "get", question);
  CHECK(get.method == "GET");
  CHECK(get.url ==
        "http://host:4180/auth?common_name=client.example&remote_ip=10.0.0.1"
        "&secret=sec+ret%26%C3%A9%3D&tls=true");
  CHECK(auth_request("https://host/a?b=c", "get", {}).url ==
        "https://host/a?b=c&common_name=&remote_ip=&secret=&tls=false");

  const auto post = auth_request("host:4180", "post", question);
  CHECK(post.method == "POST");
  CHECK(post.url == "http://host:4180/auth");
  CHECK(post.body ==
        "{\"common_name\":[\"client.example\"],\"remote_ip\":[\"10.0.0.1\"],"
        "\"secret\":[\"sec ret\\u0026\xc3\xa9=\"],\"tls\":[\"true\"]}");
}

TEST_CASE("a server that wants TLS says at which port", "[auth]") {
  CHECK(secure_auth_address("http://host:4180/auth", R"({"https_port": 4181})") ==
        "https://host:4181/auth");
  CHECK(secure_auth_address("http://host/p?q=1", R"({"https_port": 1})") == "https://host:1/p?q=1");
  CHECK(secure_auth_address("https://host/auth", R"({"https_port": 4181})").empty());
  CHECK(secure_auth_address("http://host/auth", R"({"https_port": 0})").empty());
  CHECK(secure_auth_address("http://host/auth", R"({"https_port": "x"})").empty());
  CHECK(secure_auth_address("http://host/auth", "[]").empty());
  CHECK(secure_auth_address("http://host/auth", "no").empty());
}

TEST_CASE("an auth server's grants arrive", "[auth]") {
  Fixture fixture;
  Server& server = fixture.server(200, std::string(kGood));
  fixture.start();
  const auto answer = fixture.ask();
  REQUIRE(answer);
  CHECK((*answer)->identity == "me");
  CHECK(server.asked() ==
        std::vector<std::string>{
            "GET /auth?common_name=&remote_ip=10.0.0.1&secret=secret&tls=false "});
}

TEST_CASE("the next auth server is asked until one gives an answer that can be used", "[auth]") {
  Fixture fixture;
  fixture.server(500, std::string(kGood));
  fixture.server(200, "nonsense");
  fixture.server(200, R"({"ttl":0})");
  Server& good = fixture.server(200, std::string(kGood));
  fixture.options.auth_http_addresses.emplace_back("127.0.0.1:1");  // nobody listens there
  fixture.start();
  for (int i = 0; i < 10; ++i) CHECK(fixture.ask());
  CHECK(good.asked().size() == 10);
}

TEST_CASE("without an auth server that answers, the error says no secret", "[auth]") {
  Fixture fixture;
  fixture.server(403, "no");
  fixture.options.auth_http_addresses.emplace_back("127.0.0.1:1");
  fixture.start();
  const auto answer = fixture.ask();
  REQUIRE_FALSE(answer);
  CHECK(answer.error().to_string().find("secret") == std::string::npos);
}

TEST_CASE("an auth server that never answers holds up nobody for ever, however many ask",
          "[auth]") {
  Fixture fixture;
  Server& server = fixture.server(200, "", false);
  fixture.options.http_client_request_timeout = 200ms;
  fixture.start();
  std::vector<std::shared_ptr<Waiter>> waiters;
  for (int i = 0; i < 300; ++i) waiters.push_back(fixture.begin());
  for (const auto& waiter : waiters) CHECK_FALSE(waiter->wait());
  // Not all of them got as far as the server.
  CHECK(server.asked().size() < 300);
}

TEST_CASE("questions in flight and waiting end with their loop", "[auth]") {
  Fixture fixture;
  Server& server = fixture.server(200, "", false);
  fixture.start();
  std::vector<std::shared_ptr<Waiter>> waiters;
  for (int i = 0; i < 100; ++i) waiters.push_back(fixture.begin());
  while (server.asked().empty()) std::this_thread::yield();
  const std::weak_ptr<Waiter> last = waiters.back();
  waiters.clear();
  CHECK_FALSE(last.expired());
}
