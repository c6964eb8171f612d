#include "http/connection_pool.h"

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read_until.hpp>
#include <asio/write.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "http/server.h"
#include "http/tls_transport.h"
#include "support/catch.h"
#include "support/certificates.h"
#include "support/quiet_log.h"

using namespace std::chrono_literals;
using namespace nsq::http;
using nsq::net::TlsContext;
using nsq::test::Certificates;

namespace {

// A server that says what a test wants it to, byte by byte, and the pool that asks it, on one loop.
// Each connection answers its requests in turn with the texts of its script, and then closes.
class ScriptedServer {
 public:
  using Script = std::vector<std::string>;

  ScriptedServer(std::vector<Script> scripts, PoolLimits limits = {}, ClientOptions options = {})
      : scripts_(std::move(scripts)), pool(loop, std::move(options), limits) {
    accept();
  }
  ~ScriptedServer() {
    acceptor_.close();
    connections_.clear();
    loop.restart();
    loop.poll();
  }

  nsq::Result<ClientResponse> ask(ClientRequest request = {}) {
    if (request.url.empty()) request.url = url("/");
    std::optional<nsq::Result<ClientResponse>> outcome;
    begin(std::move(request), outcome);
    loop.restart();
    while (!outcome && loop.run_one_for(10s) > 0) {
    }
    REQUIRE(outcome);
    return std::move(*outcome);
  }
  void begin(ClientRequest request, std::optional<nsq::Result<ClientResponse>>& outcome) {
    asio::co_spawn(loop, run(std::move(request), outcome), asio::detached);
  }
  // Until the loop has nothing more to do at once: so that what was sent has arrived.
  void settle() {
    for (int idle_turns = 0; idle_turns < 3;) {
      loop.restart();
      idle_turns = loop.poll() == 0 ? idle_turns + 1 : 0;
      loop.restart();
      loop.run_one_for(1ms);
    }
  }
  std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + path;
  }

  nsq::test::QuietLog quiet;
  asio::io_context loop;
  std::size_t connection_count = 0;
  std::vector<std::string> heads;  // of requests, as they came

 private:
  struct Connection {
    Connection(asio::ip::tcp::socket from, Script says)
        : socket(std::move(from)), script(std::move(says)) {}
    asio::ip::tcp::socket socket;
    Script script;
    std::size_t said = 0;
    std::string received;
  };

  asio::awaitable<void> run(ClientRequest request,
                            std::optional<nsq::Result<ClientResponse>>& outcome) {
    outcome.emplace(co_await pool.fetch(std::move(request)));
  }
  void accept() {
    acceptor_.async_accept([this](std::error_code error, asio::ip::tcp::socket socket) {
      if (error) return;
      REQUIRE(connection_count < scripts_.size());
      connections_.push_back(
          std::make_shared<Connection>(std::move(socket), scripts_[connection_count++]));
      serve(connections_.back());
      accept();
    });
  }
  void serve(const std::shared_ptr<Connection>& connection) {
    if (connection->said == connection->script.size()) return connection->socket.close();
    asio::async_read_until(connection->socket, asio::dynamic_buffer(connection->received),
                           "\r\n\r\n", [this, connection](std::error_code error, std::size_t n) {
                             if (error) return;
                             heads.push_back(connection->received.substr(0, n));
                             connection->received.erase(0, n);
                             const std::string& text = connection->script[connection->said++];
                             if (text.empty()) return connection->socket.close();
                             asio::write(connection->socket, asio::buffer(text));
                             serve(connection);
                           });
  }

  std::vector<Script> scripts_;
  std::vector<std::shared_ptr<Connection>> connections_;
  asio::ip::tcp::acceptor acceptor_{loop, {asio::ip::address_v4::loopback(), 0}};

 public:
  ConnectionPool pool;  // ends before the loop
};

asio::awaitable<void> fetch_into(std::optional<nsq::Result<ClientResponse>>& outcome,
                                 ConnectionPool& pool, std::string url) {
  ClientRequest request;
  request.url = std::move(url);
  outcome.emplace(co_await pool.fetch(std::move(request)));
}

const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK";
const std::string kChunked =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nOK\r\n0\r\n\r\n";
const std::string kLast = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nOK";
const std::string kNothing;  // the connection is closed instead of an answer

}  // namespace

TEST_CASE("a connection is used for one request after the other", "[http]") {
  ScriptedServer server({{kOk, kChunked, "HTTP/1.1 204 No Content\r\n\r\n", kOk, kOk}});
  for (int i = 0; i < 4; ++i) CHECK(server.ask()->status / 100 == 2);
  CHECK(server.connection_count == 1);
  CHECK(server.heads[0].find("Connection:") == std::string::npos);
  CHECK(server.pool.idle_count() == 1);
}

TEST_CASE("requests at the same time have connections of their own", "[http]") {
  ScriptedServer server({{kOk, kOk}, {kOk, kOk}, {kOk, kOk}}, {.idle_per_server = 2});
  std::vector<std::optional<nsq::Result<ClientResponse>>> outcomes(3);
  for (auto& outcome : outcomes) server.begin({.url = server.url("/")}, outcome);
  while (!outcomes[0] || !outcomes[1] || !outcomes[2]) server.loop.run_one();
  for (auto& outcome : outcomes) CHECK(outcome->value().body == "OK");
  CHECK(server.connection_count == 3);
  CHECK(server.pool.idle_count() == 2);  // one more than is wanted
}

TEST_CASE("a server that wants to close is left to", "[http]") {
  ScriptedServer server({{kLast}, {kLast}});
  CHECK(server.ask()->body == "OK");
  CHECK(server.pool.idle_count() == 0);
  CHECK(server.ask()->body == "OK");
}

TEST_CASE("a connection that was closed while idle is not used", "[http]") {
  ScriptedServer server({{kOk}, {kOk, kOk}});
  CHECK(server.ask()->body == "OK");
  server.settle();  // the server closes
  CHECK(server.ask({.method = "POST", .url = server.url("/"), .body = ""})->body == "OK");
  CHECK(server.connection_count == 2);
}

TEST_CASE("what comes behind a response ends its connection", "[http]") {
  ScriptedServer server({{kOk + "more"}, {kChunked + "more"}, {kOk, kOk}});
  for (int i = 0; i < 3; ++i) CHECK(server.ask()->body == "OK");
  CHECK(server.connection_count == 3);
}

TEST_CASE("a request the server closes on is repeated if it may be", "[http]") {
  ScriptedServer server({{kOk, kNothing}, {kOk, kNothing}, {kOk, kNothing}, {kOk}});
  CHECK(server.ask()->body == "OK");
  CHECK(server.ask()->body == "OK");  // a GET always may
  CHECK(server.connection_count == 2);
  CHECK(server.ask({.method = "POST", .url = server.url("/"), .is_repeatable = true})->body ==
        "OK");
  CHECK(server.connection_count == 3);
  CHECK_FALSE(server.ask({.method = "POST", .url = server.url("/")}));
  CHECK(server.connection_count == 3);
}

TEST_CASE("a fresh connection that fails is no reason to repeat", "[http]") {
  ScriptedServer server({{kNothing}, {kOk}});
  CHECK_FALSE(server.ask({.method = "POST", .url = server.url("/"), .is_repeatable = true}));
  CHECK(server.connection_count == 1);
}

TEST_CASE("connections are not kept for longer than asked for", "[http]") {
  ScriptedServer server({{kOk, kOk}, {kOk, kOk}}, {.idle_time = 20ms});
  CHECK(server.ask()->body == "OK");
  CHECK(server.pool.idle_count() == 1);
  while (server.pool.idle_count() > 0) {
    server.loop.restart();
    REQUIRE(server.loop.run_one_for(10s) > 0);
  }
  CHECK(server.ask()->body == "OK");
  CHECK(server.connection_count == 2);
}

TEST_CASE("a body nobody wants is read over, however long it is", "[http]") {
  const std::string body(100'000, 'x');
  const std::string longer = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + body;
  ScriptedServer server({{longer, kOk, kOk}}, {}, {.response_bytes = 100, .keeps_body = false});
  const auto response = server.ask();
  REQUIRE(response);
  CHECK(response->body.empty());
  CHECK(server.ask()->status == 200);
  CHECK(server.connection_count == 1);
}

TEST_CASE("secrets do not follow a redirect to another server", "[http]") {
  ScriptedServer other({{kOk, kOk}});
  const std::string moved =
      "HTTP/1.1 307 Moved\r\nContent-Length: 0\r\nLocation: " + other.url("/there") + "\r\n\r\n";
  ScriptedServer server({{moved, kOk}});
  std::optional<nsq::Result<ClientResponse>> outcome;
  server.begin({.url = server.url("/"), .headers = {{"Authorization", "Basic x"}, {"X-A", "b"}}},
               outcome);
  while (!outcome) {
    server.loop.restart();
    server.loop.run_one_for(1ms);
    other.loop.restart();
    other.loop.poll();
  }
  REQUIRE(*outcome);
  CHECK(server.heads[0].find("Authorization: Basic x") != std::string::npos);
  CHECK(other.heads[0].find("Authorization") == std::string::npos);
  CHECK(other.heads[0].find("X-A: b") != std::string::npos);
}

TEST_CASE("a connection in TLS is kept, too", "[http]") {
  const Certificates made;
  const auto trusting = TlsContext::for_client({.root_ca_file = made.ca()}).value();
  nsq::test::QuietLog quiet;
  asio::io_context loop;
  nsq::net::TlsAcceptor tls(
      TlsContext::for_server({.cert_file = made.server().cert, .key_file = made.server().key})
          .value(),
      1);
  Router router;
  router.add(Method::Get, "/ping", [](Exchange& e) { e.response.plain(200, "OK"); });
  Server server{router};
  asio::ip::tcp::acceptor acceptor{loop, {asio::ip::address_v4::loopback(), 0}};
  int connection_count = 0;
  std::function<void()> accept = [&] {
    acceptor.async_accept([&](std::error_code error, asio::ip::tcp::socket socket) {
      if (error) return;
      ++connection_count;
      nsq::net::Socket accepted(loop);
      const auto protocol = socket.local_endpoint().protocol();
      accepted.assign(protocol, socket.release());
      server.serve(make_tls_transport(std::move(accepted), tls));
      accept();
    });
  };
  accept();
  {
    ConnectionPool pool(loop, {.tls = trusting});
    const std::string url =
        "https://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()) + "/ping";
    for (int i = 0; i < 3; ++i) {
      std::optional<nsq::Result<ClientResponse>> outcome;
      asio::co_spawn(loop, fetch_into(outcome, pool, url), asio::detached);
      loop.restart();
      while (!outcome && loop.run_one_for(10s) > 0) {
      }
      REQUIRE(outcome);
      CHECK(outcome->value().body == "OK");
    }
  }
  CHECK(connection_count == 1);
  acceptor.close();
  server.close();
  loop.restart();
  loop.run();
}
