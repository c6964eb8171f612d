#include "http/tls_transport.h"

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/use_future.hpp>
#include <future>

#include "net/address.h"
#include "net/connect.h"
#include "net/layered_socket.h"
#include "net/listener.h"
#include "server_fixture.h"
#include "support/catch.h"
#include "support/certificates.h"

using namespace std::chrono_literals;
using namespace nsq::http;
using nsq::net::LayeredSocket;
using nsq::net::TlsContext;

namespace {

// A server of https on one loop, and clients on another.
class HttpsFixture {
 public:
  HttpsFixture() {
    auto opened = nsq::net::Listener::open(base.loops, nsq::net::Address::parse("127.0.0.1:0"));
    REQUIRE(opened);
    listener_ = std::move(*opened);
    listener_->start([this](nsq::net::Socket socket) {
      base.server.serve(make_tls_transport(std::move(socket), acceptor_));
    });
    clients_.start();
  }
  ~HttpsFixture() {
    listener_.reset();
    base.server.close();
    base.loops.stop();
    base.loops.join();
    clients_.stop();
    clients_.join();
  }

  // What comes back for `request`, until the server ends the connection.
  std::string ask(std::string request, bool in_tls = true) {
    auto answer =
        asio::co_spawn(clients_.loop(0), talk(std::move(request), in_tls), asio::use_future);
    REQUIRE(answer.wait_for(20s) == std::future_status::ready);
    return answer.get();
  }

  ServerFixture base;

 private:
  asio::awaitable<std::string> talk(std::string request, bool in_tls) {
    const std::string address = listener_->local_text();
    auto socket =
        co_await nsq::net::connect(clients_.loop(0), nsq::net::Address::parse(address), 10s);
    if (!socket) co_return socket.error().to_string();
    LayeredSocket stream(std::move(*socket));
    if (in_tls) {
      const auto done = co_await stream.start_tls(TlsContext::connect(trust_, "localhost"));
      if (!done) co_return done.error().to_string();
    }
    const auto written = co_await stream.write(request);
    std::string answer;
    std::string room(10'000, 'x');
    for (;;) {
      const auto count = co_await stream.read_some({room.data(), room.size()});
      if (!count) co_return answer + "<" + count.error().to_string() + ">";
      if (*count == 0) co_return answer;
      answer.append(room, 0, *count);
    }
  }

  const nsq::test::Certificates made_;
  const std::shared_ptr<const TlsContext> trust_ =
      TlsContext::for_client({.root_ca_file = made_.ca()}).value();
  nsq::net::TlsAcceptor acceptor_{
      TlsContext::for_server({.cert_file = made_.server().cert, .key_file = made_.server().key})
          .value(),
      1};
  std::unique_ptr<nsq::net::Listener> listener_;
  nsq::net::EventLoops clients_{1, "clients"};
};

std::size_t count_of(const std::string& text, const std::string& what) {
  std::size_t count = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

}  // namespace

TEST_CASE("requests in TLS are answered like others, and the end is said to be one", "[http]") {
  HttpsFixture fixture;
  const std::string answer =
      fixture.ask("GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(answer.ends_with("\r\n\r\nOK"));
}

TEST_CASE("many long answers in TLS come whole and in order", "[http]") {
  HttpsFixture fixture;
  std::string requests;
  for (int i = 0; i < 100; ++i) requests += "GET /big HTTP/1.1\r\nHost: x\r\n\r\n";
  requests += "GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  const std::string answer = fixture.ask(requests);
  CHECK(count_of(answer, "HTTP/1.1 200 OK\r\n") == 101);
  CHECK(std::count(answer.begin(), answer.end(), 'x') >= 100 * 100'000);
  CHECK(answer.ends_with("\r\n\r\nOK"));
}

TEST_CASE("who speaks HTTP without TLS is told so in plain text", "[http]") {
  HttpsFixture fixture;
  CHECK(fixture.ask("GET /ping HTTP/1.1\r\nHost: x\r\n\r\n", false) ==
        "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n");
  CHECK(fixture.ask("hello", false) == "");
}
