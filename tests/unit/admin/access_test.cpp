#include "admin/access.h"

#include "support/catch.h"

using namespace nsq::admin;
using nsq::http::Header;
using nsq::http::Request;

namespace {

bool from_here(std::vector<Header> headers) {
  Request request;
  request.headers = std::move(headers);
  return is_from_here(request);
}

bool may_act(std::vector<std::string> users, std::vector<Header> headers) {
  Request request;
  request.headers = std::move(headers);
  return is_admin(request, {.acl_http_header = "X-User", .admin_users = std::move(users)});
}

}  // namespace

TEST_CASE("scripts, which say nothing of where they come from, may act", "[admin]") {
  CHECK(from_here({}));
  CHECK(from_here({{"Host", "admin:4171"}}));
}

TEST_CASE("a browser may act for a page of ours only", "[admin]") {
  CHECK(from_here({{"Host", "admin:4171"}, {"Origin", "http://admin:4171"}}));
  CHECK_FALSE(from_here({{"Host", "admin:4171"}, {"Origin", "http://admin"}}));
  CHECK_FALSE(from_here({{"Host", "admin:4171"}, {"Origin", "https://evil"}}));
  CHECK_FALSE(from_here({{"Host", "admin:4171"}, {"Origin", "null"}}));
  CHECK_FALSE(from_here({{"Host", ""}, {"Origin", "http://"}}));
  CHECK(from_here({{"Sec-Fetch-Site", "same-origin"}, {"Origin", "https://proxied"}}));
  CHECK(from_here({{"Sec-Fetch-Site", "none"}}));
  for (const char* site : {"cross-site", "same-site", "what"}) {
    CHECK_FALSE(from_here({{"Host", "a"}, {"Origin", "http://a"}, {"Sec-Fetch-Site", site}}));
  }
}

TEST_CASE("behind a proxy the forwarded host counts too", "[admin]") {
  CHECK(from_here({{"Host", "10.0.0.1:4171"},
                   {"X-Forwarded-Host", "nsq.example.com"},
                   {"Origin", "https://nsq.example.com"}}));
}

TEST_CASE("if admin users are named only they may act", "[admin]") {
  CHECK(may_act({}, {}));
  CHECK(may_act({"alice", "bob"}, {{"x-user", "bob"}}));
  CHECK_FALSE(may_act({"alice"}, {{"X-User", "Alice"}}));
  CHECK_FALSE(may_act({"alice"}, {{"X-Forwarded-User", "alice"}}));
  CHECK_FALSE(may_act({"alice"}, {}));
}

TEST_CASE("the configuration is open to its range only", "[admin]") {
  const auto access = [](std::string_view remote, std::optional<nsq::net::AddressRange> range) {
    Request request;
    request.remote = remote;
    return config_access(request, range);
  };
  const auto local = nsq::net::AddressRange::parse("127.0.0.1/8");
  CHECK(access("127.9.9.9:1", local) == ConfigAccess::Allowed);
  CHECK(access("10.0.0.1:1", local) == ConfigAccess::Forbidden);
  CHECK(access("[::1]:1", local) == ConfigAccess::Forbidden);
  CHECK(access("@", local) == ConfigAccess::BadAddress);
  CHECK(access("10.0.0.1:1", std::nullopt) == ConfigAccess::Allowed);
}

TEST_CASE("the user of a Basic authorization is found", "[admin]") {
  const auto user = [](std::string_view header) {
    Request request;
    request.headers = {{"Authorization", header}};
    return basic_user(request);
  };
  CHECK(user("Basic YWxpY2U6c2VjcmV0") == "alice");
  CHECK(user("basic YWxpY2U6c2VjcmV0") == "alice");
  CHECK(user("Basic YWxpY2U=").empty());
  CHECK(user("Basic ").empty());
  CHECK(user("Bearer YWxpY2U6c2VjcmV0").empty());
  CHECK(user("Basic \xff\xff").empty());
}
