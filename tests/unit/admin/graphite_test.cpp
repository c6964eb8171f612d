#include "admin/graphite.h"

#include "support/catch.h"

using namespace nsq::admin;

TEST_CASE("a rate is the first point of the first series", "[admin]") {
  CHECK(first_point(R"([{"target":"x","datapoints":[[360.5,1],[1,2]]}])") == 360.5);
  for (const char* text : {"", "[]", "{}", "[{}]", R"([{"datapoints":[]}])",
                           R"([{"datapoints":[[null,1]]}])", "not json"}) {
    CHECK_FALSE(first_point(text));
  }
}

TEST_CASE("credentials are taken out of a URL", "[admin]") {
  std::string url = "http://user:pass@graphite/x";
  CHECK(take_credentials(url) == "user:pass");
  CHECK(url == "http://graphite/x");
  for (std::string plain : {"http://graphite/a@b", "http://graphite?u@h", "graphite", ""}) {
    const std::string before = plain;
    CHECK(take_credentials(plain).empty());
    CHECK(plain == before);
  }
}
