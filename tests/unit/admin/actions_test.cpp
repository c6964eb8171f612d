#include "admin/actions.h"

#include "support/catch.h"

using namespace nsq::admin;

TEST_CASE("an action's body is read, keys in any letter case", "[admin]") {
  const auto body = parse_action(R"({"Action":"pause","TOPIC":"t","unknown":[1],"channel":null})");
  REQUIRE(body);
  CHECK(body->action == "pause");
  CHECK(body->topic == "t");
  CHECK(body->channel.empty());
  CHECK(parse_action("null"));
}

TEST_CASE("a message to publish is read", "[admin]") {
  const auto body =
      parse_action(R"({"topic":"t","node":"h:1","body":"a\nb","split":true,"defer_ms":1500})");
  REQUIRE(body);
  CHECK(body->body == "a\nb");
  CHECK(body->split);
  CHECK(body->defer_ms == 1500);
  CHECK(body->node == "h:1");
}

TEST_CASE("a body that is no object, or holds another type, is refused", "[admin]") {
  CHECK(parse_action("").error().context() == "EOF");
  for (const char* text : {"[]", "1", "not json", "{", R"({"action":1})", R"({"defer_ms":"1"})"}) {
    CHECK_FALSE(parse_action(text));
  }
}

TEST_CASE("a notification says who did what", "[admin]") {
  nsq::http::Request request;
  request.target = "/api/topics/t/c";
  request.remote = "10.0.0.1:5";
  const std::vector<nsq::http::Header> headers = {{"Host", "admin"},
                                                  {"X-Scheme", "https"},
                                                  {"User-Agent", "curl"},
                                                  {"Authorization", "Basic YWxpY2U6c2VjcmV0"}};
  request.headers = headers;
  const Action action{.name = "pause_channel", .topic = "t", .channel = "c"};
  CHECK(notification_json(action, Actor::of(request), nsq::Timestamp(5'000'000'000), "host") ==
        R"({"action":"pause_channel","topic":"t","channel":"c","timestamp":5,"user":"alice",)"
        R"("remote_ip":"10.0.0.1:5","user_agent":"curl","url":"https://admin/api/topics/t/c",)"
        R"("via":"host"})");
}
