#include "http/client.h"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "http/server.h"
#include "http/tls_transport.h"
#include "net/layer_error.h"
#include "net/net_error.h"
#include "net/tls_context.h"
#include "support/catch.h"
#include "support/certificates.h"
#include "support/quiet_log.h"

using namespace std::chrono_literals;
using namespace nsq::http;
using nsq::net::TlsContext;
using nsq::test::Certificates;

namespace {

// A server, and a client that asks it, on one loop.
class ClientFixture {
 public:
  // With a certificate it is a server of https.
  explicit ClientFixture(const std::string& cert = "", const std::string& key = "") {
    if (!cert.empty()) {
      tls.emplace(TlsContext::for_server({.cert_file = cert, .key_file = key}).value(), 1);
    }
    router.add(Method::Post, "/echo",
               [](Exchange& exchange) {
                 exchange.response.status = 201;
                 exchange.response.body = exchange.request.body;
                 exchange.response.add_header("X-Seen",
                                              exchange.request.header("X-Sent").value_or(""));
               },
               {.body_limit = 1 << 20});
    router.add(Method::Get, "/ping", [](Exchange& e) { e.response.plain(200, "OK"); });
    router.add(Method::Get, "/round", [](Exchange& e) {
      e.response.status = 302;
      e.response.add_header("Location", "/round");
    });
    router.add(Method::Get, "/silent",
               [this](Exchange& e) { silent = std::make_unique<Responder>(e.answer_later()); });
    accept();
  }
  ~ClientFixture() {
    if (silent) silent->send();
    acceptor.close();
    server.close();
    loop.restart();
    loop.run();
  }

  nsq::Result<ClientResponse> ask(ClientRequest request, ClientOptions options = {}) {
    std::optional<nsq::Result<ClientResponse>> outcome;
    asio::co_spawn(loop, run(std::move(request), options, outcome), asio::detached);
    loop.restart();
    while (!outcome && loop.run_one() > 0) {
    }
    REQUIRE(outcome);
    return std::move(*outcome);
  }
  nsq::Result<ClientResponse> get(const std::string& path, ClientOptions options = {}) {
    return ask({.url = url(path)}, options);
  }
  std::string url(const std::string& path) const {
    return (tls ? "https://127.0.0.1:" : "http://127.0.0.1:") +
           std::to_string(acceptor.local_endpoint().port()) + path;
  }

  nsq::test::QuietLog quiet;
  asio::io_context loop;
  std::optional<nsq::net::TlsAcceptor> tls;
  Router router;
  Server server{router};
  std::unique_ptr<Responder> silent;
  asio::ip::tcp::acceptor acceptor{loop, {asio::ip::address_v4::loopback(), 0}};

 private:
  asio::awaitable<void> run(ClientRequest request, ClientOptions options,
                            std::optional<nsq::Result<ClientResponse>>& outcome) {
    outcome.emplace(co_await fetch(loop, std::move(request), options));
  }
  void accept() {
    acceptor.async_accept([this](std::error_code error, asio::ip::tcp::socket socket) {
      if (error) return;
      nsq::net::Socket accepted(loop);
      const auto protocol = socket.local_endpoint().protocol();
      accepted.assign(protocol, socket.release());
      if (tls) {
        server.serve(make_tls_transport(std::move(accepted), *tls));
      } else {
        server.serve(std::move(accepted));
      }
      accept();
    });
  }
};

}  // namespace

TEST_CASE("a client gets a server's answer, whatever its status", "[http]") {
  ClientFixture fixture;
  const auto ping = fixture.get("/ping");
  REQUIRE(ping);
  CHECK(ping->status == 200);
  CHECK(ping->body == "OK");
  CHECK(fixture.get("/nothere")->status == 404);
}

TEST_CASE("a client sends headers and a body", "[http]") {
  ClientFixture fixture;
  const std::string body(100'000, 'x');
  const auto answer = fixture.ask({.method = "POST",
                                   .url = fixture.url("/echo"),
                                   .headers = {{"X-Sent", "yes"}},
                                   .body = body});
  REQUIRE(answer);
  CHECK(answer->status == 201);
  CHECK(answer->body == body);
  CHECK(answer->header("x-seen") == "yes");
}

TEST_CASE("a client follows redirects, but not for ever", "[http]") {
  ClientFixture fixture;
  CHECK(fixture.get("/PING/")->body == "OK");
  const auto round = fixture.get("/round", {.redirects = 3});
  REQUIRE_FALSE(round);
  CHECK(round.error() == ClientErrc::TooManyRedirects);
}

TEST_CASE("a client does not wait longer than it was told to", "[http]") {
  ClientFixture fixture;
  const auto answer = fixture.get("/silent", {.request_timeout = 20ms});
  REQUIRE_FALSE(answer);
  CHECK(answer.error().to_string() == "Get \"" + fixture.url("/silent") + "\": i/o timeout");
}

TEST_CASE("a client takes no more than it was told to", "[http]") {
  ClientFixture fixture;
  const auto answer =
      fixture.ask({.method = "POST", .url = fixture.url("/echo"), .body = std::string(101, 'x')},
                  {.response_bytes = 100});
  REQUIRE_FALSE(answer);
  CHECK(answer.error() == ClientErrc::ResponseTooLong);
}

TEST_CASE("what cannot be asked says why", "[http]") {
  ClientFixture fixture;
  const std::string url = fixture.url("/ping");
  const std::string address = url.substr(7, url.find('/', 7) - 7);
  fixture.acceptor.close();
  const auto refused = fixture.ask({.url = url});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().to_string() ==
        "Get \"" + url + "\": dial tcp " + address + ": connect: connection refused");
  CHECK(fixture.ask({.url = "nonsense"}).error() == ClientErrc::BadUrl);
  CHECK(fixture.ask({.url = "https://127.0.0.1:1/"}).error() == ClientErrc::NoTls);
}

TEST_CASE("a client asks over https, and the server must be vouched for", "[http]") {
  const Certificates made;
  const auto trusting = TlsContext::for_client({.root_ca_file = made.ca()}).value();
  ClientFixture fixture(made.server().cert, made.server().key);
  CHECK(fixture.get("/ping", {.tls = trusting})->body == "OK");
  CHECK(fixture.get("/PING/", {.tls = trusting})->body == "OK");

  const auto doubtful = TlsContext::for_client({.root_ca_file = made.other_ca()}).value();
  const auto refused = fixture.get("/ping", {.tls = doubtful});
  REQUIRE_FALSE(refused);
  CHECK(refused.error() == nsq::net::LayerErrc::HandshakeFailed);
  CHECK(refused.error().context() ==
        "Get \"" + fixture.url("/ping") +
            "\": tls: certificate: unable to get local issuer certificate");
}

TEST_CASE("a long body travels both ways in TLS", "[http]") {
  const Certificates made;
  const auto trusting = TlsContext::for_client({.root_ca_file = made.ca()}).value();
  ClientFixture fixture(made.server().cert, made.server().key);
  const std::string body(1'000'000, 'x');
  const auto answer =
      fixture.ask({.method = "POST", .url = fixture.url("/echo"), .body = body}, {.tls = trusting});
  REQUIRE(answer);
  CHECK(answer->body == body);
}

TEST_CASE("a server that wants TLS is asked again by https", "[http]") {
  const Certificates made;
  const auto trusting = TlsContext::for_client({.root_ca_file = made.ca()}).value();
  ClientFixture secured(made.server().cert, made.server().key);
  ClientFixture plain;
  const auto port = secured.acceptor.local_endpoint().port();
  plain.router.add(Method::Get, "/only", [port](Exchange& e) {
    e.response.json(R"({"message": "TLS_REQUIRED", "https_port": )" + std::to_string(port) + "}");
    e.response.status = 403;
  });
  plain.router.add(Method::Get, "/never", [](Exchange& e) { e.response.error(403, "FORBIDDEN"); });
  CHECK(plain.get("/only", {.tls = trusting})->status == 403);
  CHECK(plain.get("/only", {.follow_https_port = true})->status == 403);
  CHECK(plain.get("/never", {.follow_https_port = true, .tls = trusting})->status == 403);

  // The other server has a loop of its own to run.
  std::thread other([&] { secured.loop.run(); });
  const auto followed = plain.get("/only?x=1", {.follow_https_port = true, .tls = trusting});
  asio::post(secured.loop, [&] { secured.acceptor.close(); });
  secured.server.close();
  other.join();
  REQUIRE(followed);
  CHECK(followed->status == 404);  // there is no such path at that one
}
