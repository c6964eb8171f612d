#include "utilities/http_target.h"

#include <string>

#include "support/catch.h"

using namespace nsq::utilities;

namespace {

std::string get_url(const std::string& url, const std::string& body) {
  const auto target = HttpTarget::get(url, {});
  REQUIRE(target);
  return target->request(body).url;
}

}  // namespace

TEST_CASE("a posted message is the body as it is", "[utilities]") {
  const auto target = HttpTarget::post("http://h:1/x?y=%20", {{"A", "b"}});
  REQUIRE(target);
  const auto request = target->request(std::string_view("a\0b\n", 4));
  CHECK(request.method == "POST");
  CHECK(request.url == "http://h:1/x?y=%20");
  CHECK(request.body == std::string("a\0b\n", 4));
  CHECK(request.headers == HttpHeaders{{"A", "b"}});
  CHECK(request.is_repeatable);
  CHECK(target->is_success(200));
  CHECK(target->is_success(204));
  CHECK_FALSE(target->is_success(304));
  CHECK_FALSE(target->is_success(500));
}

TEST_CASE("a message that is got stands in the URL, encoded as in a form", "[utilities]") {
  CHECK(get_url("http://h/?m=%s&n=1", "a b&c=d/e+g%h~\xc3\xa9") ==
        "http://h/?m=a+b%26c%3Dd%2Fe%2Bg%25h~%C3%A9&n=1");
  const auto target = HttpTarget::get("http://h/%s", {});
  REQUIRE(target);
  CHECK(target->request("x").method == "GET");
  CHECK(target->request("x").body.empty());
  CHECK(target->is_success(200));
  CHECK_FALSE(target->is_success(204));
}

TEST_CASE("a per cent sign in a template may be doubled, as the original wants it, or not",
          "[utilities]") {
  CHECK(get_url("http://h/a%%20b?m=%s", "x") == "http://h/a%20b?m=x");
  CHECK(get_url("http://h/a%20b?m=%s", "x") == "http://h/a%20b?m=x");
}

TEST_CASE("a template has exactly one place for the message", "[utilities]") {
  for (const char* url : {"http://h/", "http://h/%s/%s", "http://h/%%s"}) {
    const auto target = HttpTarget::get(url, {});
    REQUIRE_FALSE(target);
    CHECK(target.error().context() == "invalid GET address - must be a printf string");
  }
}

TEST_CASE("what is no address is refused at once", "[utilities]") {
  CHECK_FALSE(HttpTarget::post("h:1/x", {}));
  CHECK_FALSE(HttpTarget::post("ftp://h/x", {}));
  CHECK_FALSE(HttpTarget::get("h/%s", {}));
}

TEST_CASE("name and password of an address are a header, and in no report", "[utilities]") {
  const auto target = HttpTarget::post("http://user:p%40ss@h/x", {});
  REQUIRE(target);
  CHECK(target->name() == "http://h/x");
  const auto request = target->request("");
  CHECK(request.url == "http://h/x");
  CHECK(request.headers == HttpHeaders{{"Authorization", "Basic dXNlcjpwQHNz"}});
}

TEST_CASE("headers are taken apart at the first colon", "[utilities]") {
  const auto header = parse_header("X-Time:  12:30 ");
  REQUIRE(header);
  CHECK(header->first == "X-Time");
  CHECK(header->second == "12:30");
  for (const char* bad : {"nocolon", ":x", "x:", " : ", "x=y"}) {
    const auto parsed = parse_header(bad);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().context() == "--header value format should be 'key=value'");
  }
  CHECK_FALSE(parse_header("X: a\r\nY: b"));
  CHECK_FALSE(parse_header("X Y: a"));
}

TEST_CASE("a header takes the place of one of its name", "[utilities]") {
  HttpHeaders headers{{"User-Agent", "ours"}, {"Content-Type", "x"}};
  set_header(headers, "user-agent", "theirs");
  set_header(headers, "More", "y");
  CHECK(headers == HttpHeaders{{"User-Agent", "theirs"}, {"Content-Type", "x"}, {"More", "y"}});
}
