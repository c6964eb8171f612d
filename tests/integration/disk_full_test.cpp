// A data path that fills up: a small tmpfs, filled by nothing but the daemon's own messages.
// Publishers are told, consumers go on, and when they have made room the daemon takes messages
// again, without anybody's help. Skipped where mounting is not permitted.

#include <sys/mount.h>

#include <chrono>
#include <cstdio>
#include <functional>
#include <set>
#include <string>
#include <thread>

#include "integration/process.h"
#include "support/catch.h"
#include "support/http_client.h"
#include "support/wire_client.h"

using namespace nsq::test;
using namespace std::chrono_literals;

namespace {

class SmallDisk {
 public:
  explicit SmallDisk(const char* options)
      : mounted_(::mount("none", directory_.path().c_str(), "tmpfs", 0, options) == 0) {
    if (!mounted_) std::printf("disk_full_test: skipped, for mounting a tmpfs is not permitted\n");
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(directory_.path().c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }
  std::string path() const { return directory_.path(); }

 private:
  TemporaryDirectory directory_;
  bool mounted_;
};

bool within(std::chrono::seconds limit, const std::function<bool()>& what) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!what()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(50ms);
  }
  return true;
}

std::string body_of(int number) {
  return std::to_string(number) + " " + std::string(5000, 'x');
}

// Publishes until the disk is full; returns what was acknowledged.
std::set<int> fill(std::uint16_t port, int& last) {
  std::set<int> acknowledged;
  for (int refused = 0; refused < 20;) {
    WireClient client("127.0.0.1", port);
    for (int i = 0; i < 100'000; ++i) {
      const int number = ++last;
      std::string command;
      append_pub(command, "t", body_of(number));
      client.send(command);
      const auto frame = client.next_frame(20s);
      REQUIRE(frame.has_value());
      if (frame->data == "OK") {
        acknowledged.insert(number);
        continue;
      }
      CHECK(frame->type == Frame::kError);
      CHECK(frame->data.starts_with("E_PUB_FAILED PUB failed "));
      ++refused;
      break;  // the connection is closed by this error
    }
  }
  return acknowledged;
}

// Finishes so many different messages.
std::set<int> drain(std::uint16_t port, std::size_t count) {
  std::set<int> numbers;
  WireClient client("127.0.0.1", port);
  client.expect_ok("SUB t c\n");
  client.send("RDY 500\n");
  while (numbers.size() < count) {
    const auto frame = client.next_frame(20s);
    if (!frame || frame->type != Frame::kMessage) break;
    numbers.insert(std::atoi(std::string(frame->body()).c_str()));
    std::string finish;
    append_fin(finish, frame->id());
    client.send(finish);
  }
  // Answered, once all before it has been taken; messages may come first.
  client.send("RDY 0\nFIN ffffffffffffffff\n");
  auto frame = client.next_frame(20s);
  while (frame && frame->type != Frame::kError) frame = client.next_frame(20s);
  CHECK(frame.has_value());
  return numbers;
}

void fill_and_drain(const std::string& durability) {
  const SmallDisk disk("size=24m");
  if (!disk.mounted()) return;
  const std::vector<std::string> flags{"--durability=" + durability, "--mem-queue-size=100",
                                       "--max-bytes-per-file=1000000", "--sync-timeout=200ms"};
  int last = 0;
  std::set<int> owed;
  {
    Daemon daemon(disk.path(), flags);
    HttpClient http("127.0.0.1", daemon.http_port());
    REQUIRE(http.post("/topic/create?topic=t", "").status == 200);
    REQUIRE(http.post("/channel/create?topic=t&channel=c", "").status == 200);
    for (int round = 0; round < 3; ++round) {
      for (const int number : fill(daemon.tcp_port(), last)) owed.insert(number);
      CHECK(owed.size() > 1000);
      const HttpAnswer ping = http.get("/ping");
      CHECK(ping.status == 500);
      CHECK(ping.body.find("No space left") != std::string::npos);
      CHECK(http.post("/pub?topic=t", "refused").status == 503);
      // Whoever makes room is a consumer; nobody publishes meanwhile.
      for (const int number : drain(daemon.tcp_port(), owed.size() * 9 / 10)) {
        CHECK(owed.erase(number) == 1);
      }
      CHECK(within(30s, [&] { return http.get("/ping").status == 200; }));
      CHECK(within(30s, [&] {
        const int number = ++last;
        const bool taken = http.post("/pub?topic=t", body_of(number)).status == 200;
        if (taken) owed.insert(number);
        return taken;
      }));
    }
    for (const int number : fill(daemon.tcp_port(), last)) owed.insert(number);
    daemon.kill();
  }
  // On the disk as full as it is, another one starts, and everything is there.
  Daemon daemon(disk.path(), flags);
  const std::set<int> came = drain(daemon.tcp_port(), owed.size());
  for (const int number : owed) {
    INFO(number);
    CHECK(came.contains(number));
  }
  CHECK(daemon.stop() == 0);
}

}  // namespace

TEST_CASE("a disk that the messages themselves fill up is survived", "[integration]") {
  fill_and_drain("log");
}

TEST_CASE("also when every publish is synced", "[integration]") {
  fill_and_drain("fsync");
}
