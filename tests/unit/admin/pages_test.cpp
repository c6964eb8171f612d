#include "admin/pages.h"

#include <array>

#include "admin/compression.h"
#include "support/catch.h"

using namespace nsq::admin;
using nsq::http::Header;
using nsq::http::Request;
using nsq::http::Response;

namespace {

constexpr std::string_view kDocument =
    "<base href=\"/\" /><script type=\"application/json\">{\"settings\":0}</script>";

class PagesFixture {
 public:
  explicit PagesFixture(Options given = {}) : options(std::move(given)) {}

  Response index(std::vector<Header> headers = {}, const std::string& settings = "{}") {
    return serve(std::move(headers), [&](const Request& request, Response& response) {
      pages.serve_index(request, settings, response);
    });
  }
  Response asset(std::string_view name, std::vector<Header> headers = {}) {
    return serve(std::move(headers), [&](const Request& request, Response& response) {
      pages.serve_asset(request, name, response);
    });
  }

  Options options;
  const std::string packed = compress("let x;", Encoding::Gzip);
  const std::array<Asset, 2> assets{
      {{"index.html", kDocument, false, kDocument.size()}, {"static/x.js", packed, true, 6}}};
  Pages pages{options, assets};

 private:
  template <typename Serve>
  static Response serve(std::vector<Header> headers, Serve serve_it) {
    Request request;
    request.headers = std::move(headers);
    Response response;
    serve_it(request, response);
    return response;
  }
};

std::string header(const Response& response, const std::string& name) {
  const std::size_t at = response.headers.find(name + ": ");
  if (at == std::string::npos) return "";
  const std::size_t begin = at + name.size() + 2;
  return response.headers.substr(begin, response.headers.find("\r\n", begin) - begin);
}

}  // namespace

TEST_CASE("the document gets its settings and the base path", "[admin]") {
  PagesFixture fixture({.base_path = "/a\"b"});
  const Response response = fixture.index({}, R"({"user":"\u003c"})");
  CHECK(response.status == 200);
  CHECK(response.body.find("<base href=\"/a&quot;b/\" />") == 0);
  CHECK(response.body.find(R"(>{"user":"\u003c"}</script>)") != std::string::npos);
}

TEST_CASE("the document allows nothing from elsewhere, and no frame around it", "[admin]") {
  PagesFixture fixture;
  const std::string policy = header(fixture.index(), "Content-Security-Policy");
  CHECK(policy.find("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' "
                    "data:;") == 0);
  CHECK(policy.find("frame-ancestors 'none'") != std::string::npos);
  CHECK(header(fixture.index(), "X-Frame-Options") == "DENY");
}

TEST_CASE("images of a Graphite that browsers ask directly are allowed", "[admin]") {
  PagesFixture direct({.graphite_url = "http://u:p@graphite:8080/x"});
  CHECK(header(direct.index(), "Content-Security-Policy").find("data: http://graphite:8080;") !=
        std::string::npos);
  PagesFixture proxied({.graphite_url = "http://graphite:8080", .proxy_graphite = true});
  CHECK(header(proxied.index(), "Content-Security-Policy").find("graphite") == std::string::npos);
}

TEST_CASE("a browser that has the document is told that it has not changed", "[admin]") {
  PagesFixture fixture;
  const std::string tag = header(fixture.index(), "ETag");
  REQUIRE_FALSE(tag.empty());
  const Response again = fixture.index({{"If-None-Match", tag}});
  CHECK(again.status == 304);
  CHECK(again.body.empty());
  CHECK(fixture.index({{"If-None-Match", tag}}, R"({"new":1})").status == 200);
}

TEST_CASE("files are kept for ever by browsers, and sent compressed where that is taken",
          "[admin]") {
  PagesFixture fixture;
  const Response plain = fixture.asset("x.js");
  CHECK(plain.body == "let x;");
  CHECK(plain.content_type == "text/javascript; charset=utf-8");
  CHECK(header(plain, "Cache-Control") == "public, max-age=31536000, immutable");
  const Response packed = fixture.asset("x.js", {{"Accept-Encoding", "gzip"}});
  CHECK(packed.body == fixture.packed);
  CHECK(header(packed, "Content-Encoding") == "gzip");
  CHECK(fixture.asset("y.js").status == 404);
  CHECK(fixture.asset("index.html").status == 404);
}

TEST_CASE("nothing above the development directory is served", "[admin]") {
  PagesFixture fixture({.dev_static_dir = "/etc"});
  CHECK(fixture.asset("../passwd").status == 404);
}
