#include "utilities/json_filter.h"

#include <string>
#include <string_view>

#include "support/catch.h"

using namespace nsq::utilities;

namespace {

// What becomes of a body: "dropped", "no JSON", or what is forwarded.
std::string filtered(JsonFilterOptions options, std::string_view body) {
  JsonFilter filter(std::move(options));
  std::string rewritten;
  switch (filter.apply(body, rewritten)) {
    case JsonFilter::Verdict::Pass:
      return filter.rewrites() ? rewritten : std::string(body);
    case JsonFilter::Verdict::Drop:
      return "dropped";
    case JsonFilter::Verdict::NoJson:
      break;
  }
  return "no JSON";
}

std::string requiring(std::string_view body) {
  return filtered({.require_json_field = "k"}, body);
}
std::string requiring(std::string value, std::string_view body) {
  return filtered({.require_json_field = "k", .require_json_value = std::move(value)}, body);
}
std::string keeping(std::vector<std::string> names, std::string_view body) {
  return filtered({.whitelist_json_field = std::move(names)}, body);
}

}  // namespace

TEST_CASE("without a condition everything passes", "[utilities]") {
  CHECK(filtered({}, "not json") == "not json");
  CHECK(filtered({.require_json_value = "5"}, "not json") == "not json");
}

TEST_CASE("a required member may have any value, and the body is left as it is", "[utilities]") {
  for (const char* body : {R"({"k":1})", R"({ "k" : null, "z": [1, 2.50] })", R"({"k":"v"})",
                           R"({"\u006b":false})", R"({"a":{},"k":{}})"}) {
    CHECK(requiring(body) == body);
  }
  CHECK(requiring(R"({"other":1})") == "dropped");
  CHECK(requiring(R"({"a":{"k":1}})") == "dropped");
  CHECK(requiring(R"({})") == "dropped");
  CHECK(requiring("null") == "dropped");
}

TEST_CASE("a required value is compared as text, or as a number", "[utilities]") {
  for (const char* body : {R"({"k":5})", R"({"k":"5"})", R"({"k":5.0})", R"({"k":0.5e1})"}) {
    CHECK(requiring("5", body) == body);
  }
  for (const char* body : {R"({"k":"x"})", R"({"k":6})", R"({"k":true})", R"({"k":[5]})",
                           R"({"k":"5.0"})", R"({"k":null})", R"({"k":{"5":5}})", R"({"j":5})"}) {
    CHECK(requiring("5", body) == "dropped");
  }
  CHECK(requiring("true", R"({"k":true})") == "dropped");
  CHECK(requiring("a \u00e9", R"({"k":"a \u00e9"})") == R"({"k":"a \u00e9"})");
  CHECK(requiring("5 ", R"({"k":5})") == "dropped");
  CHECK(requiring(" 5", R"({"k":5})") == "dropped");
}

TEST_CASE("the last of several members of a name counts", "[utilities]") {
  CHECK(requiring("5", R"({"k":4,"k":5})") == R"({"k":4,"k":5})");
  CHECK(requiring("4", R"({"k":4,"k":5})") == "dropped");
  CHECK(keeping({"a"}, R"({"a":1,"a":{"x":1,"y":2,"x":3}})") == R"({"a":{"x":3,"y":2}})");
}

TEST_CASE("what is no JSON object is told from what lacks the member", "[utilities]") {
  for (const char* body : {"",
                           " ",
                           "not json",
                           "[1]",
                           "5",
                           "\"k\"",
                           "true",
                           "{",
                           R"({"k":1)",
                           R"({"k":1}})",
                           R"({"k":1} x)",
                           R"({"k":1]})",
                           R"({"k":[1})",
                           R"({"k":01})",
                           R"({"k":1.})",
                           R"({"k":+1})",
                           R"({"k":nul})",
                           R"({"k":tru})",
                           R"({"k":1,})",
                           R"({"k" 1})",
                           R"({k:1})",
                           R"({"k":"\x"})",
                           R"({"k":1e400})",
                           R"({"a":-1e999,"k":1})",
                           "{\"k\":\"\n\"}",
                           "nulll",
                           "null null",
                           R"({"k":1}{"k":1})",
                           R"({"a":[{"b":},"k":1})"}) {
    CAPTURE(body);
    CHECK(requiring(body) == "no JSON");
    CHECK(keeping({"k"}, body) == "no JSON");
  }
}

TEST_CASE("only the named members are kept, sorted at every level and without spaces",
          "[utilities]") {
  CHECK(keeping({"c", "a"}, R"({"c": {"y": [1, 2], "x": {"b": 1, "a": 2}}, "b": 2, "a": 1})") ==
        R"({"a":1,"c":{"x":{"a":2,"b":1},"y":[1,2]}})");
  CHECK(keeping({"a", "a"}, R"({"a":[]})") == R"({"a":[]})");
  CHECK(keeping({"a"}, R"({"drop":1})") == "{}");
  CHECK(keeping({"a"}, "null") == "{}");
  CHECK(keeping({"t", "f", "n"}, R"({"n":null,"f":false,"t":true})") ==
        R"({"f":false,"n":null,"t":true})");
}

TEST_CASE("strings are spelled as the original does", "[utilities]") {
  CHECK(keeping({"a"}, R"({"a":"<b>&\u2028\u2029\/\u00e9\n"})") ==
        R"({"a":"\u003cb\u003e\u0026\u2028\u2029/)"
        "\u00e9"
        R"(\n"})");
  CHECK(keeping({"a<"}, R"({"a<":1})") == R"({"a\u003c":1})");
}

TEST_CASE("numbers keep their text", "[utilities]") {
  CHECK(keeping({"a"}, R"({"a" : 123456789012345678 })") == R"({"a":123456789012345678})");
  CHECK(keeping({"a"}, R"({"a":[1234567890123456789012345678901234567890, 1.50, -0, 1E3]})") ==
        R"({"a":[1234567890123456789012345678901234567890,1.50,-0,1E3]})");
  CHECK(keeping({"a"}, R"({"a":1e-400})") == R"({"a":1e-400})");
}

TEST_CASE("bytes that are not UTF-8 do not make an object less of one", "[utilities]") {
  CHECK(requiring("{\"k\":\"\xff\"}") == "{\"k\":\"\xff\"}");
  CHECK(keeping({"k"}, "{\"k\":\"\xff\"}") == "{\"k\":\"\xef\xbf\xbd\"}");
  CHECK(keeping({"k"}, R"({"k":"\ud800"})") == "{\"k\":\"\xef\xbf\xbd\"}");
}

TEST_CASE("a value is needed as well as a member to keep", "[utilities]") {
  const JsonFilterOptions both{
      .require_json_field = "k", .require_json_value = "1", .whitelist_json_field = {"v"}};
  CHECK(filtered(both, R"({"k":1,"v":2})") == R"({"v":2})");
  CHECK(filtered(both, R"({"k":2,"v":2})") == "dropped");
}

TEST_CASE("an object may be deep, but not without end", "[utilities]") {
  const auto nested = [](std::size_t levels) {
    std::string body = R"({"k":)";
    for (std::size_t i = 1; i < levels; ++i) body += i % 2 == 0 ? "[" : R"({"a":)";
    body += "1";
    for (std::size_t i = levels - 1; i > 0; --i) body += i % 2 == 0 ? "]" : "}";
    return body + "}";
  };
  CHECK(keeping({"k"}, nested(1000)) == nested(1000));
  CHECK(keeping({"k"}, nested(1001)) == "no JSON");
  CHECK(keeping({"k"}, std::string(1'000'000, '[')) == "no JSON");
  CHECK(keeping({"k"}, R"({"k":)" + std::string(1'000'000, '[')) == "no JSON");
}

TEST_CASE("one filter judges message after message", "[utilities]") {
  JsonFilter filter({.whitelist_json_field = {"a"}});
  std::string rewritten;
  CHECK(filter.apply(R"({"a":"first"})", rewritten) == JsonFilter::Verdict::Pass);
  CHECK(filter.apply("[", rewritten) == JsonFilter::Verdict::NoJson);
  CHECK(filter.apply(R"({"a":"second"})", rewritten) == JsonFilter::Verdict::Pass);
  CHECK(rewritten == R"({"a":"first"}{"a":"second"})");
}
