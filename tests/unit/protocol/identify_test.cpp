#include "protocol/identify.h"

#include <string>

#include "support/catch.h"

using namespace nsq;
using namespace nsq::protocol;
using namespace std::chrono_literals;

namespace {

IdentifyRequest decoded(std::string_view json) {
  CAPTURE(json);
  const auto request = parse_identify(json);
  REQUIRE(request);
  return *request;
}

std::string refusal(const IdentifyRequest& request, const IdentifyLimits& limits = {}) {
  IdentifySettings settings;
  const auto error = apply_identify(request, limits, settings);
  return error ? error->to_string() : "accepted";
}

IdentifySettings applied(const IdentifyRequest& request, IdentifySettings settings = {}) {
  REQUIRE_FALSE(apply_identify(request, {}, settings));
  return settings;
}

}  // namespace

TEST_CASE("every member of IDENTIFY is decoded", "[protocol]") {
  const IdentifyRequest expected{.client_id = "id",
                                 .hostname = "host",
                                 .user_agent = "agent/1",
                                 .feature_negotiation = true,
                                 .heartbeat_interval = -1,
                                 .output_buffer_timeout = 100,
                                 .output_buffer_size = 4096,
                                 .sample_rate = 7,
                                 .msg_timeout = 5000,
                                 .tls_v1 = true,
                                 .snappy = true,
                                 .deflate = true,
                                 .deflate_level = 9,
                                 .topology_region = "r",
                                 .topology_zone = "z"};
  CHECK(decoded(R"({"client_id":"id","hostname":"host","user_agent":"agent/1",
      "feature_negotiation":true,"heartbeat_interval":-1,"output_buffer_timeout":100,
      "output_buffer_size":4096,"sample_rate":7,"msg_timeout":5000,"tls_v1":true,"snappy":true,
      "deflate":true,"deflate_level":9,"topology_region":"r","topology_zone":"z"})") == expected);
}

TEST_CASE("an empty object and null ask for nothing", "[protocol]") {
  CHECK(decoded("{}") == IdentifyRequest{});
  CHECK(decoded(" null\n") == IdentifyRequest{});
  CHECK(decoded(R"({"msg_timeout":null,"client_id":null,"tls_v1":null})") == IdentifyRequest{});
}

TEST_CASE("unknown members are ignored, letter case does not matter, the last one counts",
          "[protocol]") {
  CHECK(decoded(R"({"short_id":"a","x":{"y":[1,2.5,null]}})") == IdentifyRequest{});
  CHECK(decoded(R"({"MSG_Timeout":7000})").msg_timeout == 7000);
  CHECK(decoded(R"({"msg_timeout":1,"msg_timeout":2})").msg_timeout == 2);
  CHECK(decoded(R"({"msg_timeout":1,"msg_timeout":null})").msg_timeout == 1);
}

TEST_CASE("text that is no Unicode is replaced, not refused", "[protocol]") {
  CHECK(decoded("{\"client_id\":\"a\xff\"}").client_id == "a\xef\xbf\xbd");
  CHECK(decoded(R"({"client_id":"\ud800x"})").client_id == "\xef\xbf\xbdx");
  CHECK(decoded(R"({"client_id":"\ud83d\ude00 \u00e9"})").client_id == "\xf0\x9f\x98\x80 \xc3\xa9");
}

TEST_CASE("a body that is not one JSON object is refused", "[protocol]") {
  for (const auto* json : {"", " ", "xx", "{", "[]", "[{}]", R"("text")", "12", "true", "{} x",
                           "{}{}", R"({"a":1,})", R"({"a":tru})", "nullx", R"({"a":01})"}) {
    CAPTURE(json);
    CHECK_FALSE(parse_identify(json));
  }
  CHECK(identify_decode_error().to_string() == "E_BAD_BODY IDENTIFY failed to decode JSON body");
}

TEST_CASE("a member of the wrong type is refused", "[protocol]") {
  for (const auto* json :
       {R"({"client_id":1})", R"({"feature_negotiation":1})", R"({"feature_negotiation":"true"})",
        R"({"msg_timeout":"5000"})", R"({"msg_timeout":5000.0})", R"({"msg_timeout":5e3})",
        R"({"heartbeat_interval":true})", R"({"sample_rate":4294967296})",
        R"({"sample_rate":-2147483649})", R"({"msg_timeout":9223372036854775808})",
        R"({"hostname":{}})", R"({"tls_v1":[]})"}) {
    CAPTURE(json);
    CHECK_FALSE(parse_identify(json));
  }
}

TEST_CASE("deep nesting is refused without exhausting the stack", "[protocol]") {
  const std::string deep = "{\"a\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  CHECK_FALSE(parse_identify(deep));
}

TEST_CASE("what IDENTIFY leaves open stays as it was", "[protocol]") {
  CHECK(applied({}) == IdentifySettings{});
  const auto first = applied({.heartbeat_interval = 5000, .msg_timeout = 2000});
  CHECK(first.heartbeat_interval == 5s);
  CHECK(applied({}, first) == first);
}

TEST_CASE("values within their bounds are accepted", "[protocol]") {
  CHECK(applied({.heartbeat_interval = 1000}).heartbeat_interval == 1s);
  CHECK(applied({.heartbeat_interval = 60'000}).heartbeat_interval == 60s);
  CHECK(applied({.output_buffer_timeout = 25}).output_buffer_timeout == 25ms);
  CHECK(applied({.output_buffer_timeout = 30'000}).output_buffer_timeout == 30s);
  CHECK(applied({.output_buffer_size = 64}).output_buffer_size == 64);
  CHECK(applied({.output_buffer_size = 65'536}).output_buffer_size == 65'536);
  CHECK(applied({.sample_rate = 99}).sample_rate == 99);
  CHECK(applied({.msg_timeout = 1000}).msg_timeout == 1s);
  CHECK(applied({.msg_timeout = 900'000}).msg_timeout == 15min);
}

TEST_CASE("minus one switches heartbeats and buffering off", "[protocol]") {
  CHECK(applied({.heartbeat_interval = -1}).heartbeat_interval == 0s);
  CHECK(applied({.output_buffer_timeout = -1}).output_buffer_timeout == 0s);
  const auto unbuffered = applied({.output_buffer_timeout = 500, .output_buffer_size = -1});
  CHECK(unbuffered.output_buffer_size == 1);
  CHECK(unbuffered.output_buffer_timeout == 0s);
}

TEST_CASE("values out of bounds are refused by name", "[protocol]") {
  const auto invalid = [](const std::string& what, std::int64_t value) {
    return "E_BAD_BODY IDENTIFY " + what + " (" + std::to_string(value) + ") is invalid";
  };
  for (const std::int64_t value : {999, 60'001, 1, -2})
    CHECK(refusal({.heartbeat_interval = value}) == invalid("heartbeat interval", value));
  for (const std::int64_t value : {24, 30'001, -2})
    CHECK(refusal({.output_buffer_timeout = value}) == invalid("output buffer timeout", value));
  for (const std::int64_t value : {63, 65'537, -2})
    CHECK(refusal({.output_buffer_size = value}) == invalid("output buffer size", value));
  for (const std::int32_t value : {100, -1})
    CHECK(refusal({.sample_rate = value}) == invalid("sample rate", value));
  for (const std::int64_t value :
       {std::int64_t{999}, std::int64_t{900'001}, std::int64_t{-1}, INT64_MAX})
    CHECK(refusal({.msg_timeout = value}) == invalid("msg timeout", value));
}

TEST_CASE("the first bad value in a fixed order decides the error", "[protocol]") {
  IdentifyRequest request{.heartbeat_interval = 1,
                          .output_buffer_timeout = 1,
                          .output_buffer_size = 1,
                          .sample_rate = 100,
                          .msg_timeout = 1};
  CHECK(refusal(request) == "E_BAD_BODY IDENTIFY heartbeat interval (1) is invalid");
  request.heartbeat_interval = 0;
  CHECK(refusal(request) == "E_BAD_BODY IDENTIFY output buffer timeout (1) is invalid");
  request.output_buffer_timeout = 0;
  CHECK(refusal(request) == "E_BAD_BODY IDENTIFY output buffer size (1) is invalid");
  request.output_buffer_size = 0;
  CHECK(refusal(request) == "E_BAD_BODY IDENTIFY sample rate (100) is invalid");
  request.sample_rate = 0;
  CHECK(refusal(request) == "E_BAD_BODY IDENTIFY msg timeout (1) is invalid");
}

TEST_CASE("the reply lists its members in the order clients have always seen", "[protocol]") {
  CHECK(encode_identify_reply({.max_rdy_count = 2500,
                               .version = "1.4.0",
                               .max_msg_timeout = 15min,
                               .msg_timeout = 60s,
                               .deflate_level = 6,
                               .max_deflate_level = 6,
                               .output_buffer_size = 16'384,
                               .output_buffer_timeout = 250ms}) ==
        R"({"max_rdy_count":2500,"version":"1.4.0","max_msg_timeout":900000,"msg_timeout":60000,)"
        R"("tls_v1":false,"deflate":false,"deflate_level":6,"max_deflate_level":6,"snappy":false,)"
        R"("sample_rate":0,"auth_required":false,"output_buffer_size":16384,)"
        R"("output_buffer_timeout":250,"topology_region":"","topology_zone":""})");
}

TEST_CASE("the deflate level is the one asked for, at most the maximum", "[protocol]") {
  CHECK(effective_deflate_level(0, 6) == 6);
  CHECK(effective_deflate_level(-5, 9) == 6);
  CHECK(effective_deflate_level(9, 6) == 6);
  CHECK(effective_deflate_level(3, 6) == 3);
  CHECK(effective_deflate_level(0, 4) == 4);
}
