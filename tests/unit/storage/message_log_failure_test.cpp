#include <string>

#include "storage/message_log.h"
#include "storage/storage_error.h"
#include "support/catch.h"
#include "support/log_fixture.h"
#include "support/quiet_log.h"

using namespace nsq;
using namespace nsq::storage;
using nsq::test::Bodies;
using nsq::test::LogFixture;
using Call = nsq::test::MemoryFileSystem::Call;

namespace {

void publish_some(LogFixture& fixture, int messages) {
  for (int i = 0; i < messages; ++i) {
    REQUIRE(fixture.publish("message " + std::to_string(fixture.log->end())));
  }
}

void check_survives_everything(LogFixture& fixture) {
  CHECK(fixture.read_all() == fixture.bodies);
  REQUIRE(fixture.log->sync());
  fixture.lose_power();
  REQUIRE(fixture.reopen());
  CHECK(fixture.read_all() == fixture.bodies);
  CHECK(fixture.log->damaged() == 0);
}

}  // namespace

// --- writes that fail --------------------------------------------------------------------------

TEST_CASE("when the disk is full a publish is taken back, and the log goes on when there is room",
          "[storage]") {
  LogFixture fixture({.window_messages = 0});
  publish_some(fixture, 50);
  for (const std::uint64_t spare : {0U, 1U, 31U, 32U, 33U, 60U, 64U, 100U, 333U}) {
    fixture.files->set_capacity(fixture.files->used_bytes() + spare);
    const Index end = fixture.log->end();
    for (int attempt = 0; attempt < 3; ++attempt) {
      CHECK_FALSE(fixture.publish_batch(std::vector<std::string>(10, std::string(100, 'x'))));
      CHECK(fixture.log->end() == end);
      CHECK(fixture.read_all() == fixture.bodies);
    }
    fixture.files->set_capacity(std::nullopt);
    publish_some(fixture, 5);
  }
  check_survives_everything(fixture);
}

TEST_CASE("a write that failed can be tried again without being taken back", "[storage]") {
  LogFixture fixture({.window_messages = 0});
  publish_some(fixture, 5);
  fixture.append_batch({"one", "two"});
  fixture.files->fail(Call::Write, 1, std::errc::io_error, 3);
  CHECK_FALSE(fixture.log->write());
  fixture.append("three");
  CHECK_FALSE(fixture.log->write());
  CHECK(fixture.log->has_unwritten());
  CHECK(fixture.read_all() == fixture.bodies);
  fixture.files->stop_failing();
  REQUIRE(fixture.write_all());
  check_survives_everything(fixture);
}

TEST_CASE("of a failed write nothing comes back after a restart, even if it cannot be cut off",
          "[storage]") {
  const nsq::test::QuietLog quiet;
  LogFixture fixture;
  publish_some(fixture, 5);
  SECTION("the process ends at once") {}
  SECTION("more is written first") {
    fixture.options.max_bytes_per_file = 400;
  }
  fixture.files->fail(Call::Write, 1, std::errc::no_space_on_device);
  fixture.files->fail(Call::Truncate, 1, std::errc::io_error);
  CHECK_FALSE(fixture.publish_batch({std::string(100, 'x'), std::string(100, 'y'), "z"}));
  if (fixture.options.max_bytes_per_file == 400) publish_some(fixture, 5);
  fixture.crash();
  REQUIRE(fixture.reopen());
  CHECK(fixture.read_all() == fixture.bodies);
}

TEST_CASE("a segment that cannot be started is started later", "[storage]") {
  LogFixture fixture({.max_bytes_per_file = 300, .window_messages = 0});
  publish_some(fixture, 4);
  for (const Call call : {Call::Open, Call::Write, Call::CreateDirectory}) {
    fixture.files->fail(call, 1, std::errc::no_space_on_device, 2);
    while (fixture.publish(std::string(100, 'x')) && call != Call::CreateDirectory) {
    }
    fixture.files->stop_failing();
    publish_some(fixture, 4);
  }
  check_survives_everything(fixture);
}

TEST_CASE("the first write may fail as well", "[storage]") {
  LogFixture fixture;
  fixture.files->fail(Call::CreateDirectory, 1, std::errc::permission_denied);
  CHECK_FALSE(fixture.publish("a"));
  fixture.files->fail(Call::Write, 1, std::errc::no_space_on_device, 2);
  CHECK_FALSE(fixture.publish("b"));
  CHECK_FALSE(fixture.publish("c"));
  CHECK(fixture.segment_paths().empty());
  publish_some(fixture, 3);
  check_survives_everything(fixture);
}

// --- syncs that fail ---------------------------------------------------------------------------

TEST_CASE("after a failed sync none succeeds before the records are safe in another file",
          "[storage]") {
  LogFixture fixture({.window_messages = 0});
  publish_some(fixture, 20);
  REQUIRE(fixture.log->sync());
  publish_some(fixture, 20);
  fixture.files->fail(Call::Sync, 1, std::errc::io_error);
  CHECK_FALSE(fixture.log->sync());
  CHECK(fixture.log->has_unsynced());

  // The disk works again. A second sync of the same file would succeed and prove nothing.
  SECTION("at once") {}
  SECTION("after more was written") {
    publish_some(fixture, 20);
    CHECK(fixture.segment_paths().size() == 2);
  }
  SECTION("after the copy failed as well") {
    for (const Call call : {Call::Open, Call::Read, Call::Write, Call::Sync, Call::Rename}) {
      fixture.files->fail(call, 1, std::errc::io_error);
      CHECK_FALSE(fixture.log->sync());
      CHECK(fixture.log->has_unsynced());
      CHECK(fixture.read_all() == fixture.bodies);
    }
  }
  const auto position = fixture.log->sync();
  REQUIRE(position);
  CHECK(position->index == fixture.log->end());
  CHECK_FALSE(fixture.log->has_unsynced());
  publish_some(fixture, 5);
  CHECK(fixture.read_all() == fixture.bodies);
  REQUIRE(fixture.log->sync());
  fixture.lose_power();
  const auto recovered = fixture.reopen(*position);
  REQUIRE(recovered);
  CHECK(recovered->damaged == 0);
  CHECK(recovered->cut_bytes == 0);
  CHECK(fixture.read_all() == fixture.bodies);
}

TEST_CASE("records lost with a failed sync are owned up to", "[storage]") {
  const nsq::test::QuietLog quiet;
  LogFixture fixture({.window_messages = 0});
  publish_some(fixture, 20);
  REQUIRE(fixture.log->sync());
  publish_some(fixture, 20);
  fixture.files->fail(Call::Sync, 1, std::errc::io_error);
  CHECK_FALSE(fixture.log->sync());
  // What the system had in memory is gone by the time the file is read back.
  const std::string path = fixture.segment_paths().front();
  fixture.files->flip_bit(path, fixture.files->content(path).size() - 5, 0);
  const auto lost = fixture.log->sync();
  REQUIRE_FALSE(lost);
  CHECK(lost.error() == make_error_code(StorageErrc::Damaged));
  CHECK(fixture.log->damaged() > 0);
  fixture.bodies.erase(39);
  publish_some(fixture, 3);
  CHECK(fixture.log->sync());
  fixture.lose_power();
  REQUIRE(fixture.reopen());
  CHECK(fixture.read_all() == fixture.bodies);
}

TEST_CASE("a failed sync is forgotten with the segment it was about", "[storage]") {
  LogFixture fixture({.max_bytes_per_file = 1000, .window_messages = 0});
  publish_some(fixture, 5);
  fixture.files->fail(Call::Sync, 1, std::errc::io_error);
  CHECK_FALSE(fixture.log->sync());
  publish_some(fixture, 5);
  SECTION("released") {
    const auto released = fixture.log->release(5);
    CHECK(released.size() == 1);
    CHECK(fixture.log->remove(released));
  }
  SECTION("rewritten") {
    IntervalSet keep;
    keep.add(3);
    REQUIRE(fixture.log->rewrite(0, keep));
    CHECK(fixture.log->read(0).value()->find(3));
  }
  const auto syncs = fixture.files->calls(Call::Sync);
  CHECK(fixture.log->sync());
  CHECK(fixture.files->calls(Call::Sync) == syncs + 1);  // of the new segment only
  fixture.lose_power();
  REQUIRE(fixture.reopen());
  CHECK(fixture.read_all(5) == Bodies(fixture.bodies.find(5), fixture.bodies.end()));
}

TEST_CASE("the first sync makes the directory's own name last", "[storage]") {
  LogFixture fixture;
  publish_some(fixture, 1);
  check_survives_everything(fixture);
}

TEST_CASE("a directory whose sync failed is synced again", "[storage]") {
  LogFixture fixture;
  publish_some(fixture, 1);
  for (int i = 0; i < 2; ++i) {
    fixture.files->fail(Call::SyncDirectory, 1, std::errc::io_error);
    CHECK_FALSE(fixture.log->sync());
    CHECK(fixture.log->has_unsynced());
  }
  check_survives_everything(fixture);
}

TEST_CASE("a write that is under way when the sync fails ends up in the copy", "[storage]") {
  LogFixture fixture({.window_messages = 0});
  publish_some(fixture, 5);
  fixture.append("written meanwhile");
  bool inside = false;
  fixture.files->set_observer([&](Call call, const std::string&) {
    if (call != Call::Write || inside) return;
    inside = true;
    fixture.files->fail(Call::Sync, 1, std::errc::io_error);
    CHECK_FALSE(fixture.log->sync());
    CHECK_FALSE(fixture.log->sync());  // the write is still going to the file
  });
  REQUIRE(fixture.write_all());
  fixture.files->set_observer(nullptr);
  CHECK(inside);
  check_survives_everything(fixture);
}
