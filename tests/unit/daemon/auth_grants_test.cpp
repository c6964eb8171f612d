#include "daemon/auth_grants.h"

#include <fmt/format.h>

#include "support/catch.h"

using namespace nsq::daemon;
using namespace std::chrono_literals;

namespace {

nsq::Result<AuthGrants> parse(std::string_view json) {
  AuthPatterns patterns;
  return parse_auth_answer(json, patterns);
}

AuthGrants grants(std::string_view authorizations) {
  auto parsed = parse(fmt::format(R"({{"ttl":60,"authorizations":[{}]}})", authorizations));
  REQUIRE(parsed);
  return std::move(*parsed);
}

std::string refusal(std::string_view json) {
  const auto parsed = parse(json);
  REQUIRE_FALSE(parsed);
  return parsed.error().context();
}

constexpr auto kSubscribe = Permission::Subscribe;
constexpr auto kPublish = Permission::Publish;

}  // namespace

TEST_CASE("an auth server's answer is read", "[auth]") {
  const auto parsed = parse(
      R"({"ttl":3600,"identity":"me","identity_url":"http://x/me","new":1,
          "authorizations":[{"topic":"a","channels":["b"],"permissions":["subscribe","publish"]}]})");
  REQUIRE(parsed);
  CHECK(parsed->ttl == 3600s);
  CHECK(parsed->identity == "me");
  CHECK(parsed->identity_url == "http://x/me");
  REQUIRE(parsed->authorizations.size() == 1);
  CHECK(parsed->authorizations[0].subscribe);
  CHECK(parsed->authorizations[0].publish);
}

TEST_CASE("members of an auth server's answer are found in any letter case, and null is nothing",
          "[auth]") {
  const auto parsed =
      parse(R"({"TTL":5,"Identity":"me","identity_url":null,"Authorizations":null})");
  REQUIRE(parsed);
  CHECK(parsed->ttl == 5s);
  CHECK(parsed->identity == "me");
  CHECK(parsed->authorizations.empty());
}

TEST_CASE("an auth server's answer that cannot be used is refused with a reason", "[auth]") {
  CHECK(refusal("") == "not JSON");
  CHECK(refusal(R"({"ttl":1} {})") == "not JSON");
  CHECK(refusal("null") == "no JSON object");
  CHECK(refusal("[]") == "no JSON object");
  CHECK(refusal("{}") == "ttl is 0");
  CHECK(refusal(R"({"ttl":-5})") == "ttl is -5");
  CHECK(refusal(R"({"ttl":1.5})") == "ttl is not a whole number");
  CHECK(refusal(R"({"ttl":"60"})") == "ttl is not a whole number");
  CHECK(refusal(R"({"ttl":1,"identity":5})") == "identity is not a string");
  CHECK(refusal(R"({"ttl":1,"authorizations":{}})") == "authorizations is not a list");
  CHECK(refusal(R"({"ttl":1,"authorizations":[5]})") == "an authorization is no object");
  CHECK(refusal(R"({"ttl":1,"authorizations":[{"topic":"("}]})") ==
        "a pattern is no regular expression, or too long");
  CHECK(refusal(R"({"ttl":1,"authorizations":[{"topic":"a","channels":["["]}]})") ==
        "a pattern is no regular expression, or too long");
  CHECK(refusal(R"({"ttl":1,"authorizations":[{"channels":[5]}]})") == "a channel is no string");
  CHECK(refusal(R"({"ttl":1,"authorizations":[{"permissions":["fly"]}]})") ==
        "there is no such permission");
}

TEST_CASE("an auth server's answer has limits", "[auth]") {
  const std::string long_text(5000, 'a');
  CHECK(refusal(fmt::format(R"({{"ttl":1,"identity":"{}"}})", long_text)) ==
        "identity is too long");
  CHECK(refusal(fmt::format(R"({{"ttl":1,"authorizations":[{{"topic":"{}"}}]}})", long_text)) ==
        "topic is too long");
  CHECK(refusal(fmt::format(R"({{"ttl":1,"authorizations":[{{"channels":["{}"]}}]}})",
                            long_text)) == "a pattern is no regular expression, or too long");
  // Few bytes, but more states than are worth keeping.
  CHECK(refusal(R"({"ttl":1,"authorizations":[{"topic":"((a{100}){100}){100}"}]})") ==
        "a pattern is no regular expression, or too long");

  std::string many = R"({"ttl":1,"authorizations":[{})";
  for (int i = 0; i < 1000; ++i) many += ",{}";
  CHECK(refusal(many + "]}") == "authorizations is too long");
  std::string channels = R"({"ttl":1,"authorizations":[{"channels":["a")";
  for (int i = 0; i < 5000; ++i) channels += R"(,"a")";
  CHECK(refusal(channels + "]}]}") == "channels is too long");
  // A time to live that no clock can hold lasts as long as anything.
  const auto longest = parse(R"({"ttl":9223372036854775807})");
  REQUIRE(longest);
  CHECK(longest->ttl > std::chrono::hours(24 * 365));
}

TEST_CASE("patterns are looked for anywhere in a name", "[auth]") {
  const auto granted =
      grants(R"({"topic":"test","channels":["chan"],"permissions":["subscribe"]})");
  CHECK(granted.allows(kSubscribe, "mytest2", "a-channel"));
  CHECK_FALSE(granted.allows(kSubscribe, "mytes", "a-channel"));
  CHECK_FALSE(granted.allows(kSubscribe, "mytest2", "a-chnnel"));
  const auto anchored =
      grants(R"({"topic":"^test$","channels":["^c\\d+$"],"permissions":["subscribe"]})");
  CHECK(anchored.allows(kSubscribe, "test", "c42"));
  CHECK_FALSE(anchored.allows(kSubscribe, "mytest", "c42"));
  CHECK_FALSE(anchored.allows(kSubscribe, "test", "c42#ephemeral"));
}

TEST_CASE("permissions are granted one by one", "[auth]") {
  const auto granted = grants(
      R"({"topic":"^p$","channels":[".*"],"permissions":["publish"]},
         {"topic":"^s$","channels":["c"],"permissions":["subscribe"]},
         {"topic":"^n$","channels":[".*"],"permissions":[]})");
  CHECK(granted.allows(kPublish, "p", ""));
  CHECK_FALSE(granted.allows(kSubscribe, "p", "c"));
  CHECK(granted.allows(kSubscribe, "s", "c"));
  CHECK_FALSE(granted.allows(kPublish, "s", ""));
  CHECK_FALSE(granted.allows(kPublish, "n", ""));
}

TEST_CASE("publishing needs a channel pattern that matches nothing", "[auth]") {
  const auto narrow = grants(R"({"topic":".*","channels":["^c"],"permissions":["publish"]})");
  CHECK_FALSE(narrow.allows(kPublish, "t", ""));
  const auto none = grants(R"({"topic":".*","channels":[],"permissions":["publish"]})");
  CHECK_FALSE(none.allows(kPublish, "t", ""));
  const auto wide = grants(R"({"topic":".*","channels":["^c",".*"],"permissions":["publish"]})");
  CHECK(wide.allows(kPublish, "t", ""));
}

TEST_CASE("a pattern that takes others exponential time is matched at once", "[auth]") {
  const auto granted =
      grants(R"({"topic":"^(a+)+$","channels":["^(a|aa)*b$"],"permissions":["subscribe"]})");
  const std::string name = std::string(63, 'a') + "!";
  CHECK_FALSE(granted.allows(kSubscribe, name, name));
  CHECK_FALSE(granted.allows(kSubscribe, std::string(64, 'a'), std::string(64, 'a')));
}

TEST_CASE("clients with the same grants share patterns, which go with the last of them", "[auth]") {
  constexpr std::string_view kAnswer =
      R"({"ttl":1,"authorizations":[{"topic":"a.*","channels":["b.*"],"permissions":[]}]})";
  AuthPatterns patterns;
  auto first = parse_auth_answer(kAnswer, patterns);
  auto second = parse_auth_answer(kAnswer, patterns);
  REQUIRE(first);
  REQUIRE(second);
  CHECK(first->authorizations[0].topic == second->authorizations[0].topic);
  CHECK(patterns.size() == 2);
  *first = *second = AuthGrants{};
  CHECK(patterns.size() == 0);
}
