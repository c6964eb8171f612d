#include "http/request_parser.h"

#include <fmt/format.h>

#include <algorithm>

#include "support/catch.h"

using nsq::http::Method;
using nsq::http::ParserLimits;
using nsq::http::RequestParser;
using Event = nsq::http::RequestParser::Event;

namespace {

// Everything a parser says about a stream of requests, as text, so that two readings can be
// compared.
class Reading {
 public:
  explicit Reading(std::size_t body_limit = 1000, ParserLimits limits = {})
      : parser_(limits), body_limit_(body_limit) {}

  Reading& feed(std::string_view bytes) {
    while (!bytes.empty() && !is_broken) {
      const auto room = parser_.room();
      const std::size_t size = std::min(room.size(), bytes.size());
      std::copy_n(bytes.data(), size, room.data());
      parser_.received(size);
      bytes.remove_prefix(size);
      parse();
    }
    return *this;
  }

  RequestParser& parser() { return parser_; }

  std::string text;
  bool is_broken = false;

 private:
  void parse() {
    while (!is_broken) {
      const Event event = parser_.advance();
      if (event == Event::NeedInput) return;
      note(event);
    }
  }

  void note(Event event) {
    const auto& request = parser_.request();
    switch (event) {
      case Event::NeedInput:
        break;
      case Event::Head:
        text += fmt::format("[{} {}", request.method_text, request.path);
        parser_.limit_body(body_limit_);
        break;
      case Event::Complete:
      case Event::BodyTooLong:
        text += fmt::format("?{}", request.raw_query);
        for (const auto& header : request.headers) {
          text += fmt::format(" {}={}", header.name, header.value);
        }
        text += fmt::format(" {}{}{}]", request.body, request.body_over_limit ? " over limit" : "",
                            parser_.keep_alive() ? "" : " close");
        if (event == Event::BodyTooLong) text += " too long";
        is_broken = event == Event::BodyTooLong;
        break;
      case Event::BadHead:
        text += parser_.refusal().text;
        is_broken = true;
        break;
      case Event::BadBody:
        text += " bad body";
        is_broken = true;
        break;
    }
  }

  RequestParser parser_;
  const std::size_t body_limit_;
};

std::string read_whole(std::string_view bytes, std::size_t body_limit = 1000) {
  return Reading(body_limit).feed(bytes).text;
}

// Requests of every kind, one after the other.
const std::string kStream =
    "GET /ping HTTP/1.1\r\nHost: x\r\n\r\n"
    "POST /pub?topic=t HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
    "FOO /config/%6c%2Fx?a=b HTTP/1.1\r\nhost:\r\nX-Folded: one\r\n two  \r\nEmpty:\r\n\r\n"
    "POST /mpub HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    "3\r\none\r\n4;extension=x\r\n two\r\n0\r\nTrailer: yes\r\n\r\n"
    "\r\n"
    "PUT http://host:1/a?b HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n"
    "CONNECT / HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n"
    "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"
    "HEAD / HTTP/1.0\r\n\r\n";

const std::string kReading =
    "[GET /ping? Host=x ]"
    "[POST /pub?topic=t Host=x Content-Length=5 hello]"
    "[FOO /config/l/x?a=b host= X-Folded=one   two Empty= ]"
    "[POST /mpub? Host=x Transfer-Encoding=chunked one two]"
    "[PUT /a?b Connection=keep-alive Content-Length=0 ]"
    "[CONNECT /? Host=x Upgrade=h2c Connection=upgrade ]"
    "[OPTIONS *? Host=x ]"
    "[HEAD /?  close]";

}  // namespace

TEST_CASE("pipelined requests of every kind are read one after the other", "[http]") {
  CHECK(read_whole(kStream) == kReading);
}

TEST_CASE("requests read the same however they are split", "[http]") {
  const std::string whole = read_whole(kStream);
  for (std::size_t cut = 1; cut < kStream.size(); ++cut) {
    INFO(cut);
    Reading reading;
    reading.feed(std::string_view(kStream).substr(0, cut));
    reading.feed(std::string_view(kStream).substr(cut));
    REQUIRE(reading.text == whole);
  }
  for (const std::size_t piece : {1U, 2U, 3U, 7U}) {
    Reading reading;
    for (std::size_t at = 0; at < kStream.size(); at += piece) {
      reading.feed(std::string_view(kStream).substr(at, piece));
    }
    REQUIRE(reading.text == whole);
  }
}

TEST_CASE("what is no HTTP request is refused as such", "[http]") {
  for (const std::string head : {
           "\x16\x03\x01\x02",
           " GET / HTTP/1.1\r\n\r\n",
           "GET\r\n\r\n",
           "G\xc3T / HTTP/1.1\r\n\r\n",
           "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
           "GET / HTTP/x.1\r\n\r\n",
           "GET / FTP/1.1\r\n\r\n",
           "GET nonsense HTTP/1.1\r\nHost: x\r\n\r\n",
           "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
           "GET /% HTTP/1.1\r\nHost: x\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
           "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
           "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
           "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
           "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
           "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       }) {
    INFO(head);
    CHECK_THAT(read_whole(head), Catch::EndsWith("400 Bad Request"));
  }
  CHECK(read_whole(std::string(33, 'A')) == "400 Bad Request");
}

TEST_CASE("a transfer encoding other than chunked is not understood", "[http]") {
  CHECK(read_whole("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n") ==
        "501 Not Implemented: unsupported transfer encoding");
}

TEST_CASE("HTTP/1.1 needs a Host header, HTTP/1.0 does not", "[http]") {
  CHECK(read_whole("GET / HTTP/1.1\r\n\r\n") == "400 Bad Request: missing required Host header");
  CHECK(read_whole("GET / HTTP/1.0\r\n\r\n") == "[GET /?  close]");
}

TEST_CASE("only HTTP/1 is spoken", "[http]") {
  const std::string refusal = "505 HTTP Version Not Supported: unsupported protocol version";
  CHECK(read_whole("GET / HTTP/2.0\r\nHost: x\r\n\r\n") == refusal);
  CHECK(read_whole("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == refusal);
  CHECK(read_whole("GET / HTTP/3.1\r\nHost: x\r\n\r\n") == refusal);
  CHECK(read_whole("GET / HTTP/1.2\r\nHost: x\r\n\r\n") == "[GET /? Host=x ]");
}

TEST_CASE("an expectation nobody can meet is refused", "[http]") {
  CHECK(read_whole("GET / HTTP/1.1\r\nHost: x\r\nExpect: wonders\r\n\r\n") ==
        "417 Expectation Failed");
  CHECK(read_whole("GET / HTTP/1.0\r\nExpect: wonders\r\n\r\n") ==
        "[GET /? Expect=wonders  close]");
}

TEST_CASE("a head may be as long as the limit and not longer", "[http]") {
  const std::string head = "GET / HTTP/1.1\r\nHost: x\r\nX: ";
  const ParserLimits limits{.head_bytes = 1000};
  const std::string fits = head + std::string(1000 - head.size() - 4, 'x') + "\r\n\r\n";
  REQUIRE(fits.size() == 1000);
  CHECK_THAT(Reading(0, limits).feed(fits).text, Catch::EndsWith(" ]"));
  const std::string refusal = "431 Request Header Fields Too Large";
  CHECK(Reading(0, limits).feed(head + std::string(971, 'x') + "\r\n\r\n").text == refusal);
  CHECK(Reading(0, limits).feed(head + std::string(5000, 'x')).text == refusal);
  CHECK(Reading(0, limits).feed("GET /" + std::string(5000, 'x')).text == refusal);
}

TEST_CASE("the number of headers is limited", "[http]") {
  std::string head = "GET / HTTP/1.1\r\nHost: x\r\n";
  for (int i = 0; i < 9; ++i) head += "X:\r\n";
  const ParserLimits limits{.header_count = 10};
  CHECK_THAT(Reading(0, limits).feed(head + "\r\n").text, Catch::EndsWith("]"));
  CHECK(Reading(0, limits).feed(head + "X:\r\n\r\n").text == "431 Request Header Fields Too Large");
}

TEST_CASE("a body may be as long as its limit", "[http]") {
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n";
  CHECK_THAT(read_whole(head + "hello", 5), Catch::EndsWith(" hello]"));
  CHECK_THAT(read_whole(head + "hello", 4), Catch::EndsWith(" over limit]"));
  const std::string chunked =
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";
  CHECK_THAT(read_whole(chunked, 5), Catch::EndsWith(" hello]"));
  CHECK_THAT(read_whole(chunked, 4), Catch::EndsWith(" over limit]"));
}

TEST_CASE("a body over its limit is read away, and the next request found behind it", "[http]") {
  const std::string next = "GET /next HTTP/1.1\r\nHost: x\r\n\r\n";
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n";
  CHECK_THAT(read_whole(head + std::string(100000, 'x') + next),
             Catch::EndsWith(" over limit][GET /next? Host=x ]"));
}

TEST_CASE("a body far over its limit is not read to its end", "[http]") {
  const ParserLimits limits{.drained_bytes = 1000};
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string chunk = "64\r\n" + std::string(100, 'x') + "\r\n";
  Reading reading(50, limits);
  reading.feed(head);
  int chunks = 0;
  while (!reading.is_broken) {
    reading.feed(chunk);
    REQUIRE(++chunks <= 11);
  }
  CHECK(chunks == 11);
  CHECK_THAT(reading.text, Catch::EndsWith("over limit] too long"));
}

TEST_CASE("a long body needs no more memory than itself", "[http]") {
  std::string stream = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 2000; ++i) stream += "1;" + std::string(500, 'e') + "\r\nx\r\n";
  Reading reading(2000);
  reading.feed(stream);
  CHECK(reading.parser().room().size() < 128 << 10);
  reading.feed("0\r\n\r\n");
  CHECK_THAT(reading.text, Catch::EndsWith(std::string(2000, 'x') + "]"));
}

TEST_CASE("broken chunks are told from a broken head", "[http]") {
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  CHECK_THAT(read_whole(head + "zz\r\n"), Catch::EndsWith(" bad body"));
  CHECK_THAT(read_whole(head + "1\r\nxx\r\n"), Catch::EndsWith(" bad body"));
  CHECK_THAT(read_whole(head + "ffffffffffffffffff\r\n"), Catch::EndsWith(" bad body"));
}

TEST_CASE("between requests is where no byte of the next has come", "[http]") {
  Reading reading;
  CHECK(reading.parser().is_between_requests());
  reading.feed("G");
  CHECK_FALSE(reading.parser().is_between_requests());
  reading.feed("ET / HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(reading.parser().is_between_requests());
  reading.feed("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nx");
  CHECK(reading.parser().is_in_body());
}
