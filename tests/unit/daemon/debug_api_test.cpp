#include "daemon/debug_api.h"

#include "api_fixture.h"

using namespace nsq::daemon::test;

TEST_CASE("profiles of a runtime there is none of are answered with what to do instead",
          "[daemon]") {
  ApiFixture api;
  for (const char* name : {"profile", "heap", "goroutine", "block", "threadcreate"}) {
    const Reply reply = api.get("/debug/pprof/" + std::string(name));
    CHECK(reply.status == 501);
    CHECK_THAT(reply.body, Catch::Contains("perf record"));
  }
  CHECK(api.get("/debug/pprof/mutex").status == 404);
  CHECK(api.get("/debug/pprof/").status == 200);
  CHECK(api.get("/debug/pprof/symbol") == ok("num_symbols: 0\n"));
  CHECK_THAT(api.get("/debug/pprof/cmdline").body, Catch::Contains("unit_daemon"));
}

TEST_CASE("the block profile's rate is checked, and then ignored", "[daemon]") {
  ApiFixture api;
  CHECK(api.ask("PUT", "/debug/setblockrate?rate=5") == ok());
  CHECK(api.ask("PUT", "/debug/setblockrate?rate=-1") == ok());
  CHECK(api.ask("PUT", "/debug/setblockrate?rate=%2B7") == ok());
  CHECK(api.ask("PUT", "/debug/setblockrate?rate=x") ==
        Reply{400, "invalid block rate : strconv.Atoi: parsing \"x\": invalid syntax"});
  CHECK(api.ask("PUT", "/debug/setblockrate") ==
        Reply{400, "invalid block rate : strconv.Atoi: parsing \"\": invalid syntax"});
  CHECK(api.ask("PUT", "/debug/setblockrate?rate=99999999999999999999") ==
        Reply{400,
              "invalid block rate : strconv.Atoi: parsing \"99999999999999999999\": "
              "value out of range"});
}

TEST_CASE("memory that is not used is given back to the system", "[daemon]") {
  ApiFixture api;
  CHECK(api.post("/debug/freememory") == ok());
}

TEST_CASE("/debug is for those who may see the configuration", "[daemon]") {
  nsq::daemon::Options options;
  options.allow_config_from_cidr = "10.0.0.0/8";
  ApiFixture api(options);
  CHECK(api.get("/debug/pprof/cmdline") == refused(403, "FORBIDDEN"));
  CHECK(api.post("/debug/freememory") == refused(403, "FORBIDDEN"));
}
