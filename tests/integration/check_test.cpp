// `nsq check` as a user runs it, on directories of the real daemon.

#include <filesystem>
#include <fstream>
#include <string>

#include "integration/process.h"
#include "support/catch.h"
#include "support/http_client.h"

using namespace nsq::test;

namespace {

void post(const Daemon& daemon, const std::string& target, const std::string& body = "") {
  HttpClient client("127.0.0.1", daemon.http_port());
  REQUIRE(client.post(target, body).status == 200);
}

Finished check(const TemporaryDirectory& data, std::vector<std::string> flags = {}) {
  std::vector<std::string> arguments{"check", "--data-path=" + data.path().string()};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  return run_binary(arguments);
}

// Changes one byte of each file of that ending.
void damage(const TemporaryDirectory& data, const std::string& ending, std::streamoff at) {
  namespace fs = std::filesystem;
  for (const auto& entry : fs::recursive_directory_iterator(data.path() / "topics")) {
    if (!entry.path().string().ends_with(ending)) continue;
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(at);
    file.put('\x55');
  }
}

}  // namespace

TEST_CASE("a directory is described, and its messages are printed", "[integration]") {
  const TemporaryDirectory data;
  {
    Daemon daemon(data.path());
    post(daemon, "/topic/create?topic=greetings");
    post(daemon, "/channel/create?topic=greetings&channel=mail");
    for (const char* body : {"hello", "world"}) post(daemon, "/pub?topic=greetings", body);
    // Beside the running daemon, which is not disturbed.
    const Finished beside = check(data);
    CHECK(beside.status == 0);
    CHECK(beside.output.find("A daemon is running on it") != std::string::npos);
    post(daemon, "/pub?topic=greetings", "again");
    CHECK(daemon.stop() == 0);
  }
  const Finished described = check(data);
  CHECK(described.status == 0);
  CHECK(described.output.find("log       3 messages in 1 segment") != std::string::npos);
  CHECK(described.output.find("channel   mail: depth 3") != std::string::npos);
  CHECK(check(data, {"--json"}).output.find("\"depth\":3") != std::string::npos);
  CHECK(check(data, {"--dump", "--topic=greetings"}).output == "hello\nworld\nagain\n");
  CHECK(check(data, {"--dump", "--topic=greetings", "--channel=mail", "--format=hex"})
            .output.find(" 68656c6c6f\n") != std::string::npos);
}

TEST_CASE("a damaged directory is told from a sound one, and repaired", "[integration]") {
  const TemporaryDirectory data;
  {
    Daemon daemon(data.path());
    post(daemon, "/topic/create?topic=t");
    post(daemon, "/channel/create?topic=t&channel=c");
    for (const char* body : {"one", "two", "three"}) post(daemon, "/pub?topic=t", body);
    CHECK(daemon.stop() == 0);
  }
  damage(data, ".log", 32 + 35 + 33);  // in the second message
  const Finished damaged = check(data);
  CHECK(damaged.status == 1);
  CHECK(damaged.output.find("DAMAGED") != std::string::npos);
  const Finished repaired = check(data, {"--repair"});
  CHECK(repaired.status == 0);
  CHECK(repaired.errors.find("2 messages saved") != std::string::npos);
  CHECK(check(data).status == 0);
  CHECK(check(data, {"--dump"}).output == "one\nthree\n");
  Daemon daemon(data.path());
  HttpClient client("127.0.0.1", daemon.http_port());
  CHECK(client.get("/stats?format=json&topic=t").body.find("\"depth\":2") != std::string::npos);
}

TEST_CASE("a directory in use is not repaired", "[integration]") {
  const TemporaryDirectory data;
  Daemon daemon(data.path());
  const Finished refused = check(data, {"--repair"});
  CHECK(refused.status == 3);
  CHECK(refused.errors.find("in use") != std::string::npos);
}

TEST_CASE("mistakes and missing directories have statuses of their own", "[integration]") {
  CHECK(run_binary({"check", "--data-path=/does/not/exist"}).status == 3);
  CHECK(run_binary({"check", "--format=xml"}).status == 2);
  CHECK(run_binary({"check", "--repair", "--dump"}).status == 2);
  const Finished help = run_binary({"check", "--help"});
  CHECK(help.status == 0);
  CHECK(help.errors.find("nsq check --data-path=/var/lib/nsq") != std::string::npos);
}
