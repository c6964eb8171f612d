#include "http/server.h"

#include <fmt/format.h>

#include <asio/post.hpp>
#include <chrono>
#include <thread>

#include "server_fixture.h"
#include "support/catch.h"

using namespace std::chrono_literals;

namespace {

const std::string kPing = "GET /ping HTTP/1.1\r\nHost: x\r\n\r\n";
const std::string kPingAnswer =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 2\r\n\r\nOK";

std::string post(std::string_view body, std::string_view headers = "") {
  return fmt::format("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n{}\r\n{}",
                     body.size(), headers, body);
}
std::string echo(std::string_view body) {
  return fmt::format(
      "HTTP/1.1 200 OK\r\n{}X-Nsq-Content-Type: nsq; version=1.0\r\nContent-Length: {}\r\n\r\n{}",
      body.empty() ? "" : "Content-Type: text/plain; charset=utf-8\r\n", body.size(), body);
}
std::string refusal(std::string_view status, std::string_view text) {
  return fmt::format(
      "HTTP/1.1 {}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n"
      "Connection: close\r\n\r\n{}",
      status, text.size(), text);
}
std::string error(std::string_view status, std::string_view code, bool close = false) {
  const std::string body = fmt::format(R"({{"message":"{}"}})", code);
  return fmt::format(
      "HTTP/1.1 {}\r\nContent-Type: application/json; charset=utf-8\r\n"
      "X-Nsq-Content-Type: nsq; version=1.0\r\nContent-Length: {}\r\n{}\r\n{}",
      status, body.size(), close ? "Connection: close\r\n" : "", body);
}

}  // namespace

TEST_CASE("a connection is kept from request to request", "[http]") {
  ServerFixture fixture;
  auto client = fixture.connect();
  for (int i = 0; i < 3; ++i) {
    client->send(kPing);
    CHECK(client->response() == kPingAnswer);
  }
  client->send(post("hello"));
  CHECK(client->response() == echo("hello"));
  client->send(post(""));
  CHECK(client->response() == echo(""));
}

TEST_CASE("every answer says when it was made", "[http]") {
  ServerFixture fixture;
  auto client = fixture.connect();
  client->send(kPing);
  const std::string head = client->receive_until("\r\n\r\n");
  const std::string date = head.substr(head.find("Date: "));
  CHECK_THAT(date.substr(0, date.find("\r\n")),
             Catch::Matches("Date: [A-Z][a-z][a-z], \\d\\d [A-Z][a-z][a-z] \\d{4} "
                            "\\d\\d:\\d\\d:\\d\\d GMT"));
}

TEST_CASE("pipelined requests are answered in their order", "[http]") {
  ServerFixture fixture;
  auto client = fixture.connect();
  std::string requests;
  for (int i = 0; i < 500; ++i) requests += post(std::to_string(i)) + kPing;
  client->send(requests);
  for (int i = 0; i < 500; ++i) {
    REQUIRE(client->response() == echo(std::to_string(i)));
    REQUIRE(client->response() == kPingAnswer);
  }
}

TEST_CASE("a client that asks to close, or speaks HTTP/1.0, is closed after its answer", "[http]") {
  ServerFixture fixture;
  auto closing = fixture.connect();
  closing->send("GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" + kPing);
  CHECK_THAT(closing->response(), Catch::Contains("Connection: close\r\n"));
  CHECK(closing->is_closed());
  auto old = fixture.connect();
  old->send("GET /ping HTTP/1.0\r\n\r\n");
  CHECK_THAT(old->response(), Catch::StartsWith("HTTP/1.0 200 OK\r\n"));
  CHECK(old->is_closed());
}

TEST_CASE("HTTP/1.0 may ask to be kept, and is told so", "[http]") {
  ServerFixture fixture;
  auto client = fixture.connect();
  for (int i = 0; i < 2; ++i) {
    client->send("GET /ping HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    CHECK_THAT(client->response(), Catch::Contains("Connection: keep-alive\r\n"));
  }
}

TEST_CASE("a client that stops sending still gets its answers", "[http]") {
  ServerFixture fixture;
  auto client = fixture.connect();
  client->send(kPing + kPing);
  client->end_sending();
  CHECK(client->response() == kPingAnswer);
  CHECK(client->response() == kPingAnswer);
  CHECK(client->is_closed());
}

TEST_CASE("the answer to HEAD has a length but no body", "[http]") {
  ServerFixture fixture;
  auto client = fixture.connect();
  client->send("HEAD /ping HTTP/1.1\r\nHost: x\r\n\r\n" + kPing);
  const std::string head = client->response(true);
  CHECK_THAT(head, Catch::StartsWith("HTTP/1.1 405 "));
  CHECK_THAT(head, Catch::Contains("Allow: GET, OPTIONS\r\n"));
  CHECK_THAT(head, Catch::Contains("Content-Length: 32\r\n"));
  CHECK(client->response() == kPingAnswer);
}

TEST_CASE("what is no HTTP gets a plain answer and no connection", "[http]") {
  ServerFixture fixture;
  for (const auto& [request, answer] : std::vector<std::pair<std::string, std::string>>{
           {"\x16\x03\x01garbage", refusal("400 Bad Request", "400 Bad Request")},
           {"GET /ping HTTP/1.1\r\n\r\n",
            refusal("400 Bad Request", "400 Bad Request: missing required Host header")},
           {"GET /ping HTTP/2.0\r\nHost: x\r\n\r\n",
            refusal("505 HTTP Version Not Supported",
                    "505 HTTP Version Not Supported: unsupported protocol version")},
       }) {
    auto client = fixture.connect();
    client->send(request);
    CHECK(client->response() == answer);
    client->end_sending();
    CHECK(client->is_closed());
  }
}

TEST_CASE("a head that never ends is refused", "[http]") {
  ServerFixture fixture;
  auto client = fixture.connect();
  std::string head = "GET /ping HTTP/1.1\r\nHost: x\r\nX: " + std::string(1100 << 10, 'x');
  client->send(head);
  CHECK(client->response() ==
        refusal("431 Request Header Fields Too Large", "431 Request Header Fields Too Large"));
}

TEST_CASE("what stands in the path is there however long the body is", "[http]") {
  ServerFixture fixture;
  auto client = fixture.connect();
  for (const std::size_t size : {0U, 1U, 5'000U, 100'000U, 3U}) {
    client->send(
        fmt::format("PUT /say/a-rather-long-word HTTP/1.1\r\nHost: x\r\n"
                    "Content-Length: {}\r\n\r\n",
                    size));
    client->send(std::string(size, 'x'));
    CHECK(client->response() == echo("a-rather-long-word"));
  }
}

TEST_CASE("a handler that fails is answered for", "[http]") {
  ServerFixture fixture;
  auto client = fixture.connect();
  client->send("GET /throw HTTP/1.1\r\nHost: x\r\n\r\n" + kPing);
  CHECK(client->response() == error("500 Internal Server Error", "INTERNAL_ERROR"));
  CHECK(client->response() == kPingAnswer);
}

TEST_CASE("broken chunks are an internal error, and the end", "[http]") {
  ServerFixture fixture;
  auto client = fixture.connect();
  client->send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n");
  CHECK(client->response() == error("500 Internal Server Error", "INTERNAL_ERROR", true));
  client->end_sending();
  CHECK(client->is_closed());
}

TEST_CASE("a body that is asked for before it is sent is sent", "[http]") {
  ServerFixture fixture;
  auto client = fixture.connect();
  const std::string request = post("hello", "Expect: 100-continue\r\n");
  client->send(request.substr(0, request.size() - 5));
  CHECK(client->receive_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  client->send("hello");
  CHECK(client->response() == echo("hello"));
}

TEST_CASE("a body too long is refused before it is sent, if the client asks", "[http]") {
  ServerFixture fixture;
  auto client = fixture.connect();
  client->send(
      "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n");
  CHECK(client->response() == error("413 Request Entity Too Large", "TOO_BIG", true));
  client->end_sending();
  CHECK(client->is_closed());
}

TEST_CASE("a body a little too long is read away and the connection kept", "[http]") {
  ServerFixture fixture;
  auto client = fixture.connect();
  client->send(post(std::string(1001, 'x')) + kPing);
  CHECK(client->response() == error("413 Request Entity Too Large", "TOO_BIG"));
  CHECK(client->response() == kPingAnswer);
}

TEST_CASE("a body much too long is refused, and the client can read that", "[http]") {
  ServerFixture fixture;
  auto declared = fixture.connect();
  // The client sends all of it before it looks for an answer.
  REQUIRE(declared->send(post(std::string(2 << 20, 'x'))));
  CHECK(declared->response() == error("413 Request Entity Too Large", "TOO_BIG", true));

  auto chunked = fixture.connect();
  REQUIRE(chunked->send(
      fmt::format("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{}",
                  2 << 20, std::string(2 << 20, 'x'))));
  CHECK(chunked->response() == error("413 Request Entity Too Large", "TOO_BIG", true));
}

TEST_CASE("a body nobody asked for is ignored", "[http]") {
  ServerFixture fixture;
  auto client = fixture.connect();
  client->send("GET /ping HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello" + kPing);
  CHECK(client->response() == kPingAnswer);
  CHECK(client->response() == kPingAnswer);
}

TEST_CASE("an answer that comes later holds up those behind it", "[http]") {
  ServerFixture fixture;
  auto client = fixture.connect();
  client->send(kPing + "GET /later HTTP/1.1\r\nHost: x\r\n\r\n" + kPing);
  CHECK(client->response() == kPingAnswer);
  fixture.answer(fixture.pending(), "finally");
  CHECK(client->response() == echo("finally"));
  CHECK(client->response() == kPingAnswer);
}

TEST_CASE("a later answer may be given from inside the handler", "[http]") {
  ServerFixture fixture;
  auto client = fixture.connect();
  client->send("GET /at-once HTTP/1.1\r\nHost: x\r\n\r\n" + kPing);
  CHECK(client->response() == echo("at once"));
  CHECK(client->response() == kPingAnswer);
}

TEST_CASE("an answer that is forgotten is an internal error", "[http]") {
  ServerFixture fixture;
  auto client = fixture.connect();
  client->send("GET /dropped HTTP/1.1\r\nHost: x\r\n\r\n" + kPing);
  CHECK(client->response() == error("500 Internal Server Error", "INTERNAL_ERROR"));
  CHECK(client->response() == kPingAnswer);
}

TEST_CASE("an answer may come after its client has gone", "[http]") {
  ServerFixture fixture;
  auto client = fixture.connect();
  client->send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  auto responder = fixture.pending();
  client.reset();
  fixture.answer(std::move(responder), "too late");
  auto other = fixture.connect();
  other->send(kPing);
  CHECK(other->response() == kPingAnswer);
}

TEST_CASE("a client that does not read its answers is not read from", "[http]") {
  ServerFixture fixture;
  auto client = fixture.connect();
  std::string requests;
  for (int i = 0; i < 100; ++i) requests += "GET /big HTTP/1.1\r\nHost: x\r\n\r\n";
  client->send(requests);
  for (int i = 0; i < 100; ++i) REQUIRE(client->response().size() > 100'000);
}

TEST_CASE("a client that is too slow is closed", "[http]") {
  const auto closes = [](nsq::http::ServerOptions options, std::string_view bytes) {
    ServerFixture fixture(options);
    auto client = fixture.connect();
    client->send(bytes);
    return client->is_closed();
  };
  CHECK(closes({.idle_timeout = 10ms}, ""));
  CHECK(closes({.head_timeout = 10ms}, "GET /ping HT"));
  CHECK(closes({.body_timeout = 10ms}, post("hello").substr(0, 54)));
}

TEST_CASE("a client that stops reading in the middle of an answer is closed", "[http]") {
  ServerFixture fixture({.write_timeout = 20ms});
  auto client = fixture.connect();
  client->send(kPing);
  CHECK(client->response() == kPingAnswer);
  std::string requests;
  for (int i = 0; i < 100; ++i) requests += "GET /big HTTP/1.1\r\nHost: x\r\n\r\n";
  client->send(requests);
  // Closed, it takes nothing more, and the answers are not all there.
  while (fixture.server.connection_count() > 0) std::this_thread::yield();
  CHECK(client->everything().size() < 100 * 100'000);
}

TEST_CASE("connections over the limit are turned away", "[http]") {
  ServerFixture fixture({.connections = 1});
  auto first = fixture.connect();
  first->send(kPing);
  CHECK(first->response() == kPingAnswer);
  CHECK(fixture.connect()->is_closed());
  first.reset();
  while (fixture.server.connection_count() > 0) std::this_thread::yield();
  auto second = fixture.connect();
  second->send(kPing);
  CHECK(second->response() == kPingAnswer);
}

TEST_CASE("closing a server ends its connections and takes no more", "[http]") {
  ServerFixture fixture;
  auto idle = fixture.connect();
  auto waiting = fixture.connect();
  waiting->send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  auto responder = fixture.pending();
  fixture.server.close();
  CHECK(idle->is_closed());
  CHECK(waiting->is_closed());
  CHECK(fixture.connect()->is_closed());
  fixture.answer(std::move(responder), "too late");
}
