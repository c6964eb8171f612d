#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "integration/process.h"
#include "support/catch.h"
#include "support/http_client.h"

using namespace nsq::test;

namespace {

std::string big_endian(std::uint64_t number, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(number >> (8 * i) & 0xff);
  return text;
}

std::string record(const std::string& id, const std::string& body, unsigned attempts) {
  return big_endian(26 + body.size(), 4) + big_endian(1'700'000'000'000'000'000, 8) +
         big_endian(attempts, 2) + id + body;
}

void write(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

}  // namespace

TEST_CASE("a daemon started in the data path of an nsqd has its messages", "[integration]") {
  const TemporaryDirectory directory;
  write(directory / "nsqd.dat",
        R"({"topics":[{"name":"t","paused":false,"channels":[)"
        R"({"name":"c","paused":true},{"name":"d","paused":false}]}],"version":"1.3.0"})");
  write(directory / "t.diskqueue.000000.dat", record("0a0b0c0d0e0f0001", "both", 0));
  write(directory / "t.diskqueue.meta.dat", "1\n0,0\n0,34\n");
  write(directory / "t:c.diskqueue.000003.dat", record("0a0b0c0d0e0f0002", "own", 2));
  write(directory / "t:c.diskqueue.meta.dat", "1\n3,0\n3,33\n");
  {
    Daemon daemon(directory.path().string());
    HttpClient client("127.0.0.1", daemon.http_port());
    const std::string stats = client.get("/stats?format=json&topic=t").body;
    CHECK_THAT(stats, Catch::Contains(R"("channel_name":"c","depth":2,)") &&
                          Catch::Contains(R"("channel_name":"d","depth":1,)") &&
                          Catch::Contains(R"("paused":true)"));
    CHECK_THAT(daemon.process().errors(),
               Catch::Contains("IMPORT: 2 messages in 1 topics, 0 damaged places"));
    CHECK(daemon.stop() == 0);
  }
  CHECK_FALSE(std::filesystem::exists(directory / "t.diskqueue.meta.dat"));
  Daemon again(directory.path().string());
  HttpClient client("127.0.0.1", again.http_port());
  CHECK_THAT(client.get("/stats?format=json&topic=t").body,
             Catch::Contains(R"("channel_name":"c","depth":2,)"));
  CHECK(again.process().errors().find("IMPORT") == std::string::npos);
  CHECK(again.stop() == 0);
}
