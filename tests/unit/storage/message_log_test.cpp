#include "storage/message_log.h"

#include <random>
#include <string>

#include "support/catch.h"
#include "support/log_fixture.h"

using namespace nsq;
using namespace nsq::storage;
using nsq::test::Bodies;
using nsq::test::LogFixture;
using Call = nsq::test::MemoryFileSystem::Call;

namespace {

std::string body_of(Index index, std::size_t bytes = 100) {
  return std::to_string(index) + std::string(bytes, '.');
}

// Publishes so many messages of about that size.
void fill(LogFixture& fixture, std::size_t messages, std::size_t bytes = 100) {
  for (std::size_t i = 0; i < messages; ++i) {
    REQUIRE(fixture.publish(body_of(fixture.log->end(), bytes)));
  }
}

}  // namespace

TEST_CASE("what was appended is read back from memory, before and after it is written",
          "[storage]") {
  LogFixture fixture({.first = 1000});
  const IndexRange range = fixture.append_batch({"a", "bb", ""});
  CHECK(range == IndexRange{1000, 1003});
  CHECK(fixture.append("d") == IndexRange{1003, 1004});
  CHECK(fixture.log->has_unwritten());
  CHECK(fixture.read_all(1000) == fixture.bodies);
  const auto written = fixture.log->write();
  REQUIRE(written);
  CHECK(*written == 1004);
  CHECK_FALSE(fixture.log->has_unwritten());
  CHECK(fixture.read_all(1000) == fixture.bodies);
  CHECK(fixture.files->calls(Call::Read) == 0);

  const auto record = fixture.log->find_in_memory(1001)->find(1001);
  CHECK(record->id == native_id(9, 1001));
  CHECK(record->timestamp == Timestamp{1000});
}

TEST_CASE("a topic nobody publishes to costs no file", "[storage]") {
  LogFixture fixture;
  const auto recovered = fixture.reopen();
  REQUIRE(recovered);
  CHECK_FALSE(recovered->found);
  CHECK(fixture.log->write());
  CHECK(fixture.log->sync());
  CHECK_FALSE(fixture.files->exists(LogFixture::kDirectory));
}

TEST_CASE("the window holds the newest messages, and the disk all of them", "[storage]") {
  LogOptions options;
  SECTION("bounded by messages") {
    options.window_messages = 100;
  }
  SECTION("bounded by bytes") {
    options.window_bytes = 16 << 10;
  }
  SECTION("bounded by messages, in many files") {
    options.window_messages = 100;
    options.max_bytes_per_file = 20'000;
  }
  LogFixture fixture(options);
  fill(fixture, 2000);
  CHECK(fixture.log->window_begin() > 0);
  CHECK(fixture.log->window_begin() < 1990);
  CHECK_FALSE(fixture.log->find_in_memory(0));
  CHECK(fixture.log->find_in_memory(1999));
  CHECK(fixture.read_all() == fixture.bodies);
  for (const Index from : {0U, 1U, 77U, 500U, 1234U, 1999U}) {
    CHECK(fixture.read_all(from) == Bodies(fixture.bodies.find(from), fixture.bodies.end()));
  }
  CHECK(fixture.log->damaged() == 0);
}

TEST_CASE("what was not written stays in memory, however much it is", "[storage]") {
  LogFixture fixture({.window_messages = 10, .window_bytes = 8 << 10});
  for (Index index = 0; index < 500; ++index) fixture.append(body_of(index));
  CHECK(fixture.log->must_spill());
  CHECK(fixture.log->window_begin() == 0);
  CHECK(fixture.read_all() == fixture.bodies);
  REQUIRE(fixture.write_all());
  CHECK_FALSE(fixture.log->must_spill());
  CHECK(fixture.log->window_begin() > 0);
  CHECK(fixture.read_all() == fixture.bodies);
}

TEST_CASE("more pieces than fit into one write are written one part after the other", "[storage]") {
  LogFixture fixture;
  for (Index index = 0; index < 80; ++index) fixture.append(std::string(260 << 10, 'x'));
  auto written = fixture.log->write();
  REQUIRE(written);
  CHECK(*written < 80);
  CHECK(fixture.log->has_unwritten());
  REQUIRE(fixture.write_all());
  CHECK(fixture.read_all() == fixture.bodies);
}

TEST_CASE("a segment ends where the next record would make it too long", "[storage]") {
  LogFixture fixture({.max_bytes_per_file = 1000, .window_messages = 0});
  fill(fixture, 20, 100);
  const auto paths = fixture.segment_paths();
  CHECK(paths.size() > 2);
  for (const auto& path : paths) CHECK(fixture.files->content(path).size() <= 1000);
  CHECK(paths.front().ends_with("/00000000000000000000.log"));
  REQUIRE(fixture.publish(std::string(5000, 'l')));  // in a segment of its own
  fill(fixture, 3);
  CHECK(fixture.read_all() == fixture.bodies);
  std::uint64_t bytes = 0;
  for (const auto& path : fixture.segment_paths()) bytes += fixture.files->content(path).size();
  CHECK(fixture.log->disk_bytes() == bytes);
}

TEST_CASE("skipped indexes are a gap, which reading passes at once", "[storage]") {
  LogFixture fixture({.window_messages = 0});
  fill(fixture, 3);
  const Index far = Index{1} << 50;
  fixture.log->skip_to(far);
  const auto gap = fixture.log->read(3);
  REQUIRE(gap);
  CHECK((*gap)->covers(far - 1));
  CHECK_FALSE((*gap)->covers(far));
  fill(fixture, 3);
  CHECK(fixture.log->end() == far + 3);
  CHECK(fixture.read_all() == fixture.bodies);
  REQUIRE(fixture.reopen());
  CHECK(fixture.read_all() == fixture.bodies);
}

TEST_CASE("single messages are read from anywhere into one chunk", "[storage]") {
  LogFixture fixture({.max_bytes_per_file = 10'000, .window_messages = 50});
  fill(fixture, 1000);
  fixture.append_batch({"batch", "of", "three"});
  REQUIRE(fixture.write_all());
  const std::vector<Index> wanted = {0, 3, 4, 500, 501, 700, 990, 1001};
  const auto chunk = fixture.log->read_each(wanted);
  REQUIRE(chunk);
  for (const Index index : wanted) {
    INFO("index " << index);
    REQUIRE((*chunk)->covers(index));
    REQUIRE((*chunk)->find(index));
    CHECK((*chunk)->find(index)->body == fixture.bodies[index]);
    CHECK((*chunk)->find(index)->id == native_id(9, index));
  }
  CHECK_FALSE((*chunk)->find(2));
  const std::vector<Index> beyond = {1002, 5000};
  const auto some = fixture.log->read_each(beyond);
  REQUIRE(some);
  CHECK((*some)->find(1002));
  CHECK_FALSE((*some)->find(5000));
}

TEST_CASE("reading and rolling leave no file open but the one being written", "[storage]") {
  LogFixture fixture({.max_bytes_per_file = 2000, .window_messages = 0});
  fill(fixture, 200);
  CHECK(fixture.segment_paths().size() > 10);
  REQUIRE(fixture.log->sync());
  CHECK(fixture.read_all() == fixture.bodies);
  // One more for the last segment, whose directory entry the log holds.
  CHECK(fixture.files->open_files() == 1);
}

// --- in memory only ----------------------------------------------------------------------------

TEST_CASE("a log in memory only touches no file and loses nothing before it is released",
          "[storage]") {
  LogFixture fixture({.on_disk = false, .window_messages = 10, .window_bytes = 1000});
  for (Index index = 0; index < 1000; ++index) fixture.append(body_of(index));
  CHECK_FALSE(fixture.log->must_spill());
  CHECK(fixture.read_all() == fixture.bodies);
  CHECK(fixture.log->write());
  CHECK(fixture.log->release(600).empty());
  CHECK(fixture.read_all(600) == Bodies(fixture.bodies.find(600), fixture.bodies.end()));
  CHECK(fixture.files->calls(Call::Open) == 0);
  CHECK(fixture.files->calls(Call::CreateDirectory) == 1);  // by this test
}

TEST_CASE("a log in memory frees what only waits for earlier records", "[storage]") {
  LogFixture fixture({.on_disk = false, .window_bytes = 500'000});
  nsq::storage::IntervalSet live;
  for (const Index kept : {0, 1, 500, 777}) live.add(kept);
  Index index = 0;
  while (!fixture.log->should_compact()) fixture.append(body_of(index++));
  REQUIRE(index > 1000);
  fixture.log->compact([&](nsq::storage::IndexRange) { return live; });
  CHECK_FALSE(fixture.log->should_compact());
  const auto around = fixture.log->find_in_memory(600);
  CHECK((!around || !around->find(600)));
  CHECK(fixture.log->find_in_memory(index - 1) != nullptr);  // in the chunk that grows
  const auto check_kept = [&] {
    live.for_each([&](nsq::storage::IndexRange range) {
      for (Index kept = range.begin; kept < range.end; ++kept) {
        const auto chunk = fixture.log->find_in_memory(kept);
        REQUIRE(chunk);
        const auto record = chunk->find(kept);
        REQUIRE(record);
        CHECK(record->body == body_of(kept));
      }
    });
  };
  check_kept();
  // It grows as it did before, and what is left can be compacted again.
  live.add(index);
  for (int i = 0; i < 10'000; ++i) fixture.append(body_of(index++));
  REQUIRE(fixture.log->should_compact());
  fixture.log->compact([&](nsq::storage::IndexRange) { return live; });
  check_kept();
  fixture.log->release(501);
  CHECK(fixture.log->find_in_memory(1) == nullptr);
  live.erase_below(777);
  check_kept();
}

TEST_CASE("whoever reads what was released from memory is led to what is left", "[storage]") {
  LogFixture fixture({.on_disk = false});
  for (Index index = 0; index < 1000; ++index) fixture.append(body_of(index));
  fixture.log->release(600);
  const Index begin = fixture.log->window_begin();
  REQUIRE(begin > 0);
  const auto gap = fixture.log->read(0);
  REQUIRE(gap);
  CHECK((*gap)->end() == begin);
  CHECK((*gap)->next_present(0) == begin);
}

TEST_CASE("messages finished before they were written never are", "[storage]") {
  LogFixture fixture;  // as with durability=memory
  for (Index index = 0; index < 1000; ++index) fixture.append(body_of(index));
  fixture.log->release(1000);
  CHECK_FALSE(fixture.log->has_unwritten());
  CHECK(fixture.log->write());
  CHECK_FALSE(fixture.files->exists(LogFixture::kDirectory));
  // Their indexes are not given to others.
  CHECK(fixture.log->drop_unwritten() == 1000);
  CHECK(fixture.append("next").begin == 1000);
  REQUIRE(fixture.write_all());
  REQUIRE(fixture.reopen());
  CHECK(fixture.read_all() == Bodies{{1000, "next"}});
}
