#include "http/router.h"

#include "support/catch.h"

using nsq::http::Exchange;
using nsq::http::Method;
using nsq::http::Request;
using nsq::http::Response;
using nsq::http::Router;

namespace {

// A daemon's routes in small, asked without a connection.
class RouterFixture {
 public:
  RouterFixture() {
    for (const char* path : {"/ping", "/stats", "/config/:opt", "/debug/pprof/"}) {
      router.add(Method::Get, path, [](Exchange&) {});
    }
    for (const char* path : {"/pub", "/topic/create", "/api/topics/:topic/:channel"}) {
      router.add(Method::Post, path, [](Exchange&) {});
    }
    router.add(Method::Put, "/config/:opt", [](Exchange&) {});
  }

  // The pattern of the route found, or "".
  std::string route(Method method, std::string_view path) {
    const auto* found = router.find(method, path, arguments);
    return found ? found->pattern : "";
  }

  Response answer(std::string_view method, std::string_view path, std::string_view query = "") {
    Request request;
    request.method = nsq::http::parse_method(method);
    request.method_text = method;
    request.path = path;
    request.raw_query = query;
    REQUIRE(router.find(request.method, path, arguments) == nullptr);
    Response response;
    router.answer_unrouted(request, response);
    return response;
  }

  Router router;
  std::vector<std::string_view> arguments;
};

}  // namespace

TEST_CASE("a route is found by exact method and path", "[http]") {
  RouterFixture fixture;
  CHECK(fixture.route(Method::Get, "/ping") == "/ping");
  CHECK(fixture.route(Method::Post, "/ping") == "");
  CHECK(fixture.route(Method::Get, "/Ping") == "");
  CHECK(fixture.route(Method::Get, "ping") == "");
  CHECK(fixture.route(Method::Other, "/ping") == "");
}

TEST_CASE("an argument stands for one segment that is not empty", "[http]") {
  RouterFixture fixture;
  CHECK(fixture.route(Method::Get, "/config/log_level") == "/config/:opt");
  CHECK(fixture.arguments == std::vector<std::string_view>{"log_level"});
  CHECK(fixture.route(Method::Post, "/api/topics/a b/c") == "/api/topics/:topic/:channel");
  CHECK(fixture.arguments == std::vector<std::string_view>{"a b", "c"});
  for (const char* path :
       {"/config", "/config/", "/config/a/b", "/config//", "/config/a/", "", "*"}) {
    INFO(path);
    CHECK(fixture.route(Method::Get, path) == "");
  }
}

TEST_CASE("a path that differs in a final slash, case or dots is redirected", "[http]") {
  RouterFixture fixture;
  for (const auto& [path, location] : std::vector<std::pair<const char*, const char*>>{
           {"/ping/", "/ping"},
           {"/PING", "/ping"},
           {"//stats", "/stats"},
           {"/a/../stats", "/stats"},
           {"/./StAtS/", "/stats"},
           {"/../stats", "/stats"},
           {"/debug/pprof", "/debug/pprof/"},
           {"/DEBUG/pprof", "/debug/pprof/"},
           {"/CONFIG/Log_Level", "/config/Log_Level"},
           {"/config/log_level/", "/config/log_level"},
           {"/Config/a b", "/config/a%20b"},
       }) {
    INFO(path);
    const Response response = fixture.answer("GET", path);
    CHECK(response.status == 301);
    CHECK(response.headers == std::string("Location: ") + location + "\r\n");
    CHECK(response.body == std::string("<a href=\"") + location + "\">Moved Permanently</a>.\n\n");
    CHECK(response.content_type == "text/html; charset=utf-8");
    CHECK_FALSE(response.is_v1);
  }
}

TEST_CASE("a redirect of another method than GET keeps method, query and silence", "[http]") {
  RouterFixture fixture;
  const Response response = fixture.answer("POST", "/Topic/Create", "topic=t&x=<");
  CHECK(response.status == 307);
  CHECK(response.headers == "Location: /topic/create?topic=t&x=<\r\n");
  CHECK(response.body == "");
  CHECK(fixture.answer("GET", "/ping/", "x=\"<").body ==
        "<a href=\"/ping?x=&#34;&lt;\">Moved Permanently</a>.\n\n");
}

TEST_CASE("another method's routes are no reason to redirect", "[http]") {
  RouterFixture fixture;
  CHECK(fixture.answer("GET", "/pub/").status == 404);
  CHECK(fixture.answer("HEAD", "/ping/").status == 404);
}

TEST_CASE("the wrong method is told the right ones", "[http]") {
  RouterFixture fixture;
  for (const auto& [method, path, allowed] : std::vector<std::array<const char*, 3>>{
           {"HEAD", "/ping", "GET, OPTIONS"},
           {"GET", "/pub", "OPTIONS, POST"},
           {"DELETE", "/config/x", "GET, OPTIONS, PUT"},
           {"FOO", "/ping", "GET, OPTIONS"},
       }) {
    const Response response = fixture.answer(method, path);
    CHECK(response.status == 405);
    CHECK(response.body == R"({"message":"METHOD_NOT_ALLOWED"})");
    CHECK(response.headers == std::string("Allow: ") + allowed + "\r\n");
    CHECK(response.is_v1);
  }
}

TEST_CASE("OPTIONS lists a path's methods, and succeeds for '*'", "[http]") {
  RouterFixture fixture;
  const Response response = fixture.answer("OPTIONS", "/config/log_level");
  CHECK(response.status == 200);
  CHECK(response.body == "");
  CHECK(response.headers == "Allow: GET, OPTIONS, PUT\r\n");
  CHECK_FALSE(response.is_v1);
  CHECK(fixture.answer("OPTIONS", "*").status == 200);
  CHECK(fixture.answer("OPTIONS", "*").headers == "");
  CHECK(fixture.answer("OPTIONS", "/nothere").status == 404);
}

TEST_CASE("anything else is not found", "[http]") {
  RouterFixture fixture;
  for (const char* path : {"/", "/nothere", "/pin", "/pingx", "/config", "/config/a/b"}) {
    INFO(path);
    const Response response = fixture.answer("GET", path);
    CHECK(response.status == 404);
    CHECK(response.body == R"({"message":"NOT_FOUND"})");
    CHECK(response.headers == "");
  }
}

TEST_CASE("one handler may answer everything", "[http]") {
  RouterFixture fixture;
  fixture.router.answer_everything([](Exchange&) {});
  CHECK(fixture.router.find(Method::Other, "/nothere", fixture.arguments) != nullptr);
  CHECK(fixture.router.find(Method::Get, "*", fixture.arguments) != nullptr);
}

TEST_CASE("cleaning a path resolves dots and doubled slashes", "[http]") {
  for (const auto& [path, cleaned] : std::vector<std::pair<const char*, const char*>>{
           {"", "/"},
           {"/", "/"},
           {"//", "/"},
           {"/a//b/", "/a/b/"},
           {"/a/./b", "/a/b"},
           {"/a/../b", "/b"},
           {"/../../a", "/a"},
           {"/a/b/..", "/a/"},
           {"/a/.", "/a/"},
           {"a/b", "/a/b"},
       }) {
    INFO(path);
    CHECK(nsq::http::clean_path(path) == cleaned);
  }
}
