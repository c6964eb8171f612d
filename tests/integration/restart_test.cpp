// What a stop in good order keeps, seen by clients of the real daemon.

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

#include "integration/process.h"
#include "support/catch.h"
#include "support/http_client.h"
#include "support/wire_client.h"

using namespace nsq::test;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

void post(const Daemon& daemon, const std::string& target, const std::string& body = "") {
  HttpClient client("127.0.0.1", daemon.http_port());
  REQUIRE(client.post(target, body).status == 200);
}

std::string stats(const Daemon& daemon) {
  HttpClient client("127.0.0.1", daemon.http_port());
  return client.get("/stats?format=json").body;
}

WireClient subscribe(const Daemon& daemon, int ready_count) {
  WireClient client("127.0.0.1", daemon.tcp_port());
  client.expect_ok("SUB t c\n");
  client.send("RDY " + std::to_string(ready_count) + "\n");
  return client;
}

struct Message {
  std::string id;
  std::string body;
  int attempts = 0;
};

Message next_message(WireClient& client) {
  const auto frame = client.next_frame(20s);
  REQUIRE(frame.has_value());
  REQUIRE(frame->type == Frame::kMessage);
  return {std::string(frame->id()), std::string(frame->body()), frame->attempts()};
}

void prepare(const Daemon& daemon) {
  post(daemon, "/topic/create?topic=t");
  post(daemon, "/channel/create?topic=t&channel=c");
}

}  // namespace

TEST_CASE("a deferred message keeps its due time over a restart", "[integration]") {
  const TemporaryDirectory data;
  Clock::time_point due;
  {
    Daemon daemon(data.path());
    prepare(daemon);
    due = Clock::now() + 3s;
    post(daemon, "/pub?topic=t&defer=3000", "later");
    CHECK(daemon.stop() == 0);
  }
  Daemon daemon(data.path());
  WireClient client = subscribe(daemon, 1);
  CHECK(next_message(client).body == "later");
  CHECK(Clock::now() >= due);
}

TEST_CASE("messages in flight, requeued and deferred by a requeue keep their attempts",
          "[integration]") {
  const TemporaryDirectory data;
  Clock::time_point due;
  {
    Daemon daemon(data.path());
    prepare(daemon);
    post(daemon, "/pub?topic=t", "tried");
    WireClient client = subscribe(daemon, 1);
    for (int attempt = 1; attempt <= 3; ++attempt) {
      const Message message = next_message(client);
      CHECK(message.attempts == attempt);
      client.send("REQ " + message.id + " 0\n");
    }
    CHECK(next_message(client).attempts == 4);  // stays in flight
    post(daemon, "/pub?topic=t", "postponed");
    WireClient other = subscribe(daemon, 1);
    const Message postponed = next_message(other);
    due = Clock::now() + 3s;
    other.send("RDY 0\nREQ " + postponed.id + " 3000\nFIN ffffffffffffffff\n");
    REQUIRE(other.next_frame(20s).has_value());  // the daemon has taken the REQ
    CHECK(daemon.stop() == 0);
  }
  Daemon daemon(data.path());
  WireClient client = subscribe(daemon, 10);
  const Message tried = next_message(client);
  CHECK(tried.body == "tried");
  CHECK(tried.attempts == 5);
  const Message postponed = next_message(client);
  CHECK(postponed.body == "postponed");
  CHECK(postponed.attempts == 2);
  CHECK(Clock::now() >= due);
}

TEST_CASE("what was paused stays paused", "[integration]") {
  const TemporaryDirectory data;
  {
    Daemon daemon(data.path());
    prepare(daemon);
    post(daemon, "/channel/pause?topic=t&channel=c");
    post(daemon, "/topic/create?topic=u");
    post(daemon, "/topic/pause?topic=u");
    CHECK(daemon.stop() == 0);
  }
  Daemon daemon(data.path());
  const std::string json = stats(daemon);
  std::size_t paused = 0;
  for (std::size_t at = json.find("\"paused\":true"); at != std::string::npos;
       at = json.find("\"paused\":true", at + 1)) {
    ++paused;
  }
  CHECK(paused == 2);
}

TEST_CASE("the files of a newer version are refused and left as they are", "[integration]") {
  namespace fs = std::filesystem;
  const TemporaryDirectory data;
  {
    Daemon daemon(data.path());
    prepare(daemon);
    post(daemon, "/pub?topic=t", "x");
    CHECK(daemon.stop() == 0);
  }
  // A sound header of version 2, with the seed 0; the checksum is that of these very bytes.
  std::string journal;
  fs::path path;
  for (const auto& entry : fs::recursive_directory_iterator(data.path() / "topics")) {
    if (entry.path().filename() == "journal") path = entry.path();
  }
  REQUIRE_FALSE(path.empty());
  const std::string header("NSQJRNL\0\x02\0\0\0", 12);
  std::ofstream(path, std::ios::binary)
      << header << std::string("\x72\xfa\xfd\xfa", 4) << std::string(8, '\0');
  const auto before = fs::file_size(path);
  const Finished refused =
      run_binary({"daemon", "--tcp-address=127.0.0.1:0", "--http-address=127.0.0.1:0",
                  "--data-path=" + data.path().string()});
  CHECK(refused.status == 1);
  CHECK(refused.errors.find("written by a newer version of nsq") != std::string::npos);
  CHECK(refused.errors.find("journal") != std::string::npos);
  CHECK(fs::file_size(path) == before);
  CHECK(run_binary({"check", "--data-path=" + data.path().string()}).status == 3);
}
