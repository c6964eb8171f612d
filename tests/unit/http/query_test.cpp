#include "http/query.h"

#include "support/catch.h"

using nsq::http::Query;

TEST_CASE("parameters are found by name, decoded", "[http]") {
  Query query;
  REQUIRE(query.parse("topic=e%23ephemeral&a+b=c+d%2B&%74=1"));
  CHECK(query.find("topic") == "e#ephemeral");
  CHECK(query.find("a b") == "c d+");
  CHECK(query.find("t") == "1");
  CHECK_FALSE(query.find("b"));
}

TEST_CASE("the first of repeated parameters counts", "[http]") {
  Query query;
  REQUIRE(query.parse("topic=first&topic=second"));
  CHECK(query.get("topic") == "first");
}

TEST_CASE("present but empty is not missing", "[http]") {
  Query query;
  REQUIRE(query.parse("a=&b&=nameless&&c=1="));
  CHECK(query.find("a") == "");
  CHECK(query.find("b") == "");
  CHECK(query.find("") == "nameless");
  CHECK(query.find("c") == "1=");
  CHECK_FALSE(query.find("d"));
}

TEST_CASE("a malformed query has no parameters at all", "[http]") {
  for (const char* text : {"topic=t%zz", "topic=t%2", "topic=%", "%=1", "topic=t;x=1", "topic=t&;",
                           "a=1&b=%g0", "a=%0g"}) {
    INFO(text);
    Query query;
    CHECK_FALSE(query.parse(text));
    CHECK_FALSE(query.find("topic"));
  }
}

TEST_CASE("an escaped semicolon is data", "[http]") {
  Query query;
  REQUIRE(query.parse("a=%3B"));
  CHECK(query.get("a") == ";");
}

TEST_CASE("a query may be parsed again", "[http]") {
  Query query;
  REQUIRE(query.parse("a=%41%42%43&b=%44"));
  REQUIRE(query.parse("b=%61&c=%62"));
  CHECK_FALSE(query.find("a"));
  CHECK(query.get("b") == "a");
  CHECK(query.get("c") == "b");
  REQUIRE(query.parse(""));
  CHECK_FALSE(query.find("b"));
}
