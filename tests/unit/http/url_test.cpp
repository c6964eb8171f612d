#include "http/url.h"

#include "support/catch.h"

using nsq::http::parse_url;
using nsq::http::resolve_location;

TEST_CASE("a URL is taken apart", "[http]") {
  const auto url = parse_url("http://host:4151/stats?format=json#part");
  REQUIRE(url);
  CHECK(url->scheme == "http");
  CHECK(url->authority == "host:4151");
  CHECK(url->target == "/stats?format=json");
  CHECK(url->address() == "host:4151");
  CHECK(url->text() == "http://host:4151/stats?format=json");
}

TEST_CASE("what is left out of a URL has a default", "[http]") {
  CHECK(parse_url("HTTP://host")->target == "/");
  CHECK(parse_url("http://host")->address() == "host:80");
  CHECK(parse_url("https://host")->address() == "host:443");
  CHECK(parse_url("http://[::1]/x")->address() == "[::1]:80");
  CHECK(parse_url("http://[::1]:1")->address() == "[::1]:1");
  CHECK(parse_url("http://host?a=b")->target == "/?a=b");
}

TEST_CASE("what is no URL is nothing", "[http]") {
  for (const char* text : {"", "host:4151", "ftp://host", "http://", "http:///x", "http://a b/",
                           "http://user@host/", "http://host/\r\nX: y"}) {
    INFO(text);
    CHECK_FALSE(parse_url(text));
  }
}

TEST_CASE("a redirect leads to a URL or a path", "[http]") {
  const auto base = *parse_url("http://host:1/a/b?c");
  CHECK(resolve_location(base, "/x?y")->text() == "http://host:1/x?y");
  CHECK(resolve_location(base, "https://other/x")->text() == "https://other/x");
  CHECK_FALSE(resolve_location(base, "relative"));
  CHECK_FALSE(resolve_location(base, "//other/x"));
  CHECK_FALSE(resolve_location(base, "/a b"));
}
