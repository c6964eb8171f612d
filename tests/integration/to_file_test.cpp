// `nsq to-file` with real daemons: nothing that is finished is missing in the files, whoever dies
// in the middle and however full the disk is.

#include <signal.h>
#include <sys/mount.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "integration/channel_watch.h"
#include "integration/process.h"
#include "support/catch.h"

using namespace nsq::test;
using namespace std::chrono_literals;

namespace {

using Lines = std::vector<std::string>;
using Files = std::map<std::string, std::string>;

Files read_files(const std::filesystem::path& directory) {
  Files files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    files[std::filesystem::relative(entry.path(), directory)] = text.str();
  }
  return files;
}

Lines lines_in(const std::filesystem::path& directory) {
  Lines lines;
  for (const auto& [name, text] : read_files(directory)) {
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
  }
  return lines;
}

std::set<std::string> set_of(const Lines& lines) {
  return {lines.begin(), lines.end()};
}

Lines numbered(int count, std::size_t padding = 0) {
  Lines bodies;
  for (int i = 0; i < count; ++i) {
    bodies.push_back("message " + std::to_string(i) + std::string(padding, 'x'));
  }
  return bodies;
}

// A daemon, and an archive of its topic t.
struct Fixture {
  TemporaryDirectory data;
  TemporaryDirectory files;
  TemporaryDirectory out;
  std::optional<Daemon> daemon{std::in_place, data.path()};

  std::unique_ptr<Process> start(Lines flags = {}) {
    Lines arguments{binary(), "to-file", "--topic=t", "--nsqd-tcp-address=" + daemon->tcp_address(),
                    "--output-dir=" + out.path().string()};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return std::make_unique<Process>(arguments, files.path());
  }
  bool is_drained() { return nsq::test::is_drained(*daemon, "t", "nsq_to_file"); }
  std::int64_t in_flight() {
    return channel_number(*daemon, "t", "nsq_to_file", "in_flight_count");
  }
  static int end(Process& process) {
    process.signal(SIGTERM);
    return process.wait();
  }
};

int count_of(const std::string& words, const std::string& text) {
  int count = 0;
  for (std::size_t at = 0; (at = text.find(words, at)) != std::string::npos; ++at) ++count;
  return count;
}

class SmallDisk {
 public:
  SmallDisk() : mounted_(::mount("none", directory_.path().c_str(), "tmpfs", 0, "size=1m") == 0) {
    if (!mounted_) std::printf("to_file_test: skipped, for mounting a tmpfs is not permitted\n");
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(directory_.path().c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }
  std::filesystem::path path() const { return directory_.path(); }

 private:
  TemporaryDirectory directory_;
  bool mounted_;
};

}  // namespace

TEST_CASE("a daemon killed in the middle loses no line", "[integration]") {
  Fixture fixture;
  create_channel(*fixture.daemon, "t", "nsq_to_file");
  const Lines bodies = numbered(20'000);
  publish(*fixture.daemon, "t", bodies);
  const std::string address = fixture.daemon->tcp_address();
  const auto archive = fixture.start({"--sync-interval=100ms"});
  REQUIRE(eventually([&] { return !lines_in(fixture.out.path()).empty(); }));
  fixture.daemon->kill();
  fixture.daemon.emplace(fixture.data.path(), Lines{"--tcp-address=" + address});
  REQUIRE(eventually([&] { return fixture.is_drained(); }, 60s));
  CHECK(Fixture::end(*archive) == 0);
  CHECK(set_of(lines_in(fixture.out.path())) == set_of(bodies));
}

TEST_CASE("an archive killed in the middle has all that it finished", "[integration]") {
  Fixture fixture;
  fixture.daemon.emplace(fixture.data.path(), Lines{"--msg-timeout=2s"});
  create_channel(*fixture.daemon, "t", "nsq_to_file");
  const Lines bodies = numbered(20'000);
  publish(*fixture.daemon, "t", bodies);
  {
    const auto archive = fixture.start();
    REQUIRE(eventually([&] { return lines_in(fixture.out.path()).size() > 400; }));
    archive->signal(SIGKILL);
    archive->wait();
  }
  // What is in no file is still with the daemon.
  const std::size_t saved = set_of(lines_in(fixture.out.path())).size();
  const auto left = channel_number(*fixture.daemon, "t", "nsq_to_file", "depth") +
                    channel_number(*fixture.daemon, "t", "nsq_to_file", "in_flight_count");
  CHECK(static_cast<std::size_t>(left) + saved >= bodies.size());

  // The line the kill may have torn does not spoil the first one of the next archive, which gets
  // what the first one held when that has timed out.
  const auto archive = fixture.start({"--sync-interval=100ms"});
  REQUIRE(eventually([&] { return fixture.is_drained(); }, 60s));
  CHECK(Fixture::end(*archive) == 0);
  const auto all = set_of(lines_in(fixture.out.path()));
  const auto expected = set_of(bodies);
  CHECK(std::includes(all.begin(), all.end(), expected.begin(), expected.end()));
  CHECK(all.size() <= expected.size() + 1);
}

TEST_CASE("a full disk costs nothing, and is left when there is room", "[integration]") {
  for (const bool gzip : {false, true}) {
    const SmallDisk disk;
    if (!disk.mounted()) return;
    Fixture fixture;
    create_channel(*fixture.daemon, "t", "nsq_to_file");
    const std::filesystem::path filler = disk.path() / "filler";
    const std::filesystem::path out = disk.path() / "out";
    std::ofstream(filler, std::ios::binary) << std::string((1 << 20) - (64 << 10), 'x');

    Lines flags{"--output-dir=" + out.string(), "--sync-interval=100ms", "--max-in-flight=20",
                "--consumer-opt=backoff_multiplier,20ms"};
    if (gzip) flags.push_back("--gzip");
    const auto archive = fixture.start(flags);
    // Bodies that do not compress well, more than there is room for.
    Lines bodies = numbered(100, gzip ? 0 : 3000);
    unsigned random = 1;
    for (std::string& body : bodies) {
      for (int i = 0; gzip && i < 3000; ++i) {
        random = random * 1664525 + 1013904223;
        body += static_cast<char>(33 + (random >> 16) % 90);
      }
    }
    publish(*fixture.daemon, "t", bodies);
    REQUIRE(eventually(
        [&] { return archive->errors().find("No space left on device") != std::string::npos; }));
    // A few more attempts: the error is told once, unless one has found some room in between.
    const auto requeues = [&] {
      return channel_number(*fixture.daemon, "t", "nsq_to_file", "requeue_count");
    };
    const auto before = requeues();
    REQUIRE(eventually([&] { return requeues() > before + 3; }));
    const std::string log = archive->errors();
    CHECK(count_of("No space left", log) <= count_of("there is room again", log) + 1);
    CHECK_FALSE(fixture.is_drained());
    std::filesystem::remove(filler);
    REQUIRE(eventually([&] { return fixture.is_drained(); }, 60s));
    CHECK(archive->errors().find("there is room again") != std::string::npos);
    CHECK(Fixture::end(*archive) == 0);
    if (gzip) {
      const TemporaryDirectory unzipped;
      const std::string command = "gzip -dc " + out.string() + "/*.gz > " + (unzipped / "all");
      CHECK(std::system(command.c_str()) == 0);
      CHECK(set_of(lines_in(unzipped.path())) == set_of(bodies));
    } else {
      // Not a line is torn, and none is there twice.
      Lines lines = lines_in(out);
      std::sort(lines.begin(), lines.end());
      std::sort(bodies.begin(), bodies.end());
      CHECK(lines == bodies);
    }
  }
}

TEST_CASE("what is not synced yet is written, synced and finished at the end", "[integration]") {
  Fixture fixture;
  const auto archive =
      fixture.start({"--sync-interval=1h", "--gzip", "--work-dir=" + (fixture.files / "work")});
  publish(*fixture.daemon, "t", {"opens the file"});
  REQUIRE(eventually([&] { return fixture.is_drained(); }));
  publish(*fixture.daemon, "t", {"one", "two"});
  REQUIRE(eventually([&] { return fixture.in_flight() == 2; }));
  CHECK(read_files(fixture.out.path()).empty());
  CHECK(Fixture::end(*archive) == 0);
  CHECK(fixture.is_drained());
  CHECK(read_files(fixture.files / "work").empty());
  CHECK(read_files(fixture.out.path()).size() == 1);
  const std::string command =
      "gzip -dc " + fixture.out.path().string() + "/*.gz > " + (fixture.files / "all");
  REQUIRE(std::system(command.c_str()) == 0);
  std::ifstream all(fixture.files / "all");
  const std::string text(std::istreambuf_iterator<char>(all), {});
  CHECK(text.starts_with("opens the file\n"));
  CHECK(text.size() == std::string("opens the file\none\ntwo\n").size());
}

TEST_CASE("messages that wait for a sync longer than the daemon would are touched",
          "[integration]") {
  Fixture fixture;
  fixture.daemon.emplace(fixture.data.path(), Lines{"--msg-timeout=3s"});
  const auto archive = fixture.start({"--sync-interval=1h"});
  publish(*fixture.daemon, "t", {"opens the file"});
  REQUIRE(eventually([&] { return fixture.is_drained(); }));
  publish(*fixture.daemon, "t", {"waits"});
  REQUIRE(eventually([&] { return fixture.in_flight() == 1; }));
  const auto end = std::chrono::steady_clock::now() + 7s;
  CHECK(eventually([&] { return std::chrono::steady_clock::now() > end; }));
  CHECK(channel_number(*fixture.daemon, "t", "nsq_to_file", "timeout_count") == 0);
  CHECK(Fixture::end(*archive) == 0);
  CHECK(lines_in(fixture.out.path()) == Lines{"opens the file", "waits"});
}

TEST_CASE("SIGHUP ends the file, and the next message opens another one", "[integration]") {
  Fixture fixture;
  const std::string work = fixture.files / "work";
  const auto archive = fixture.start({"--sync-interval=50ms", "--work-dir=" + work,
                                      "--skip-empty-files", "--filename-format=x<REV>"});
  publish(*fixture.daemon, "t", {"before"});
  REQUIRE(eventually([&] { return fixture.is_drained(); }));
  archive->signal(SIGHUP);
  REQUIRE(eventually([&] {
    return read_files(fixture.out.path()) == Files{{"x-000000", "before\n"}};
  }));
  publish(*fixture.daemon, "t", {"after"});
  REQUIRE(eventually([&] { return fixture.is_drained(); }));
  CHECK(read_files(work) == Files{{"x-000001", "after\n"}});
  CHECK(Fixture::end(*archive) == 0);
  CHECK(read_files(fixture.out.path()) == Files{{"x-000000", "before\n"}, {"x-000001", "after\n"}});
}

TEST_CASE("new topics are found as they come, also past a dead lookupd", "[integration]") {
  Lookupd lookupd;
  TemporaryDirectory data;
  TemporaryDirectory files;
  TemporaryDirectory out;
  Daemon daemon(data.path(),
                {"--lookupd-tcp-address=127.0.0.1:" + std::to_string(lookupd.tcp_port())});
  publish(daemon, "log_a", {"a"});
  Process archive(
      {binary(), "to-file", "--topic-pattern=^log_", "--topic-refresh=50ms", "--sync-interval=50ms",
       "--filename-format=<TOPIC>", "--consumer-opt=lookupd_poll_interval,100ms",
       "--lookupd-http-address=127.0.0.1:" + std::to_string(lookupd.http_port()),
       "--lookupd-http-address=127.0.0.1:1", "--output-dir=" + out.path().string()},
      files.path());
  REQUIRE(eventually([&] { return read_files(out.path()) == Files{{"log_a", "a\n"}}; }));
  publish(daemon, "log_b", {"b"});
  publish(daemon, "other", {"not this"});
  REQUIRE(eventually([&] {
    return read_files(out.path()) == Files{{"log_a", "a\n"}, {"log_b", "b\n"}};
  }));
  CHECK(Fixture::end(archive) == 0);
}

TEST_CASE("an archive that can begin with nothing says so and ends", "[integration]") {
  TemporaryDirectory out;
  const Lines base{"to-file", "--topic=t", "--nsqd-tcp-address=127.0.0.1:1",
                   "--output-dir=" + out.path().string()};
  const auto run_with = [&](const Lines& flags) {
    Lines arguments = base;
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return run_binary(arguments);
  };
  const Finished refused = run_with({});
  CHECK(refused.status == 1);
  CHECK(refused.errors.find("[nsq_to_file] ") != std::string::npos);
  CHECK(refused.errors.find("couldn't create logger for new topic t: dial tcp 127.0.0.1:1: "
                            "connect: connection refused") != std::string::npos);
  CHECK(run_with({"--gzip", "--filename-format=x"}).errors.find("missing <REV>") !=
        std::string::npos);
  CHECK(run_with({"--topic-pattern=("}).status == 1);
  CHECK(run_with({"--sync-interval=0"}).status == 1);
  CHECK(run_with({"--version", "surplus"}).errors.find("unknown arguments: [surplus]") !=
        std::string::npos);
  CHECK(run_with({"--version", "--log-level=loud"}).status == 1);
  CHECK(run_with({"--version"}).output.starts_with("nsq_to_file v"));
}
