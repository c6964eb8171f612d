#include "http/response_parser.h"

#include <algorithm>

#include "support/catch.h"

using nsq::http::ResponseParser;
using Event = nsq::http::ResponseParser::Event;

namespace {

// Reads a whole connection's bytes, in pieces of a size.
struct Reading {
  explicit Reading(std::string_view bytes, std::size_t piece = 1000, std::size_t limit = 1000)
      : parser(limit) {
    while (!bytes.empty() && event == Event::NeedInput) {
      event = parser.feed(bytes.substr(0, piece));
      bytes.remove_prefix(std::min(piece, bytes.size()));
    }
    if (event == Event::NeedInput) event = parser.end();
  }
  std::string body() const { return parser.response().body; }

  ResponseParser parser;
  Event event = Event::NeedInput;
};

}  // namespace

TEST_CASE("a response is read in any pieces, whichever way its body ends", "[http]") {
  const std::string head = "HTTP/1.1 404 Not Found\r\nServer: x\r\nX-Empty:\r\n";
  for (const std::string& response :
       {head + "Content-Length: 5\r\n\r\nhello", head + "Connection: close\r\n\r\nhello",
        head + "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
        "HTTP/1.1 100 Continue\r\nNot: this\r\n\r\n" + head + "Content-Length: 5\r\n\r\nhello"}) {
    for (const std::size_t piece : {1U, 2U, 3U, 1000U}) {
      const Reading reading(response, piece);
      REQUIRE(reading.event == Event::Complete);
      CHECK(reading.parser.response().status == 404);
      CHECK(reading.body() == "hello");
      CHECK(reading.parser.response().header("server") == "x");
      CHECK(reading.parser.response().header("x-empty") == "");
      CHECK_FALSE(reading.parser.response().header("not"));
    }
  }
}

TEST_CASE("a response that ends too early, or is none, is broken", "[http]") {
  for (const char* response :
       {"", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n", "SSH-2.0-x\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n"}) {
    INFO(response);
    CHECK(Reading(response).event == Event::Broken);
  }
}

TEST_CASE("a response over the limit is not read to its end", "[http]") {
  const std::string head = "HTTP/1.1 200 OK\r\n";
  CHECK(Reading(head + "\r\n" + std::string(1000, 'x')).event == Event::Complete);
  CHECK(Reading(head + "\r\n" + std::string(1001, 'x')).event == Event::TooLong);
  CHECK(Reading(head + "X: " + std::string(1001, 'x')).event == Event::TooLong);
}

TEST_CASE("whether a connection can be used again is said", "[http]") {
  CHECK(Reading("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").parser.keep_alive());
  CHECK_FALSE(Reading("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                  .parser.keep_alive());
  CHECK_FALSE(Reading("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n").parser.keep_alive());
}
