#include <atomic>
#include <random>
#include <string>
#include <thread>

#include "storage/message_log.h"
#include "support/catch.h"
#include "support/log_fixture.h"

using namespace nsq;
using namespace nsq::storage;
using nsq::test::Bodies;
using nsq::test::LogFixture;
using Call = nsq::test::MemoryFileSystem::Call;

namespace {

void publish_some(LogFixture& fixture, int messages, std::size_t bytes = 50) {
  for (int i = 0; i < messages; ++i) {
    REQUIRE(fixture.publish(std::to_string(fixture.log->end()) + std::string(bytes, '.')));
  }
}

void release(LogFixture& fixture, Index floor) {
  REQUIRE(fixture.log->remove(fixture.log->release(floor)));
}

Bodies from(const Bodies& bodies, Index floor) {
  return {bodies.lower_bound(floor), bodies.end()};
}

IntervalSet every(Index step, IndexRange range) {
  IntervalSet set;
  for (Index index = range.begin; index < range.end; index += step) set.add(index);
  return set;
}

}  // namespace

// --- releasing ---------------------------------------------------------------------------------

TEST_CASE("segments go when all their messages are finished, not before", "[storage]") {
  LogFixture fixture({.max_bytes_per_file = 1000, .window_messages = 0});
  publish_some(fixture, 100);
  const auto all = fixture.segment_paths();
  std::size_t files = all.size();
  for (Index floor = 0; floor <= 100; floor += 7) {
    release(fixture, floor);
    CHECK(fixture.segment_paths().size() <= files);
    files = fixture.segment_paths().size();
    CHECK(fixture.read_all(floor) == from(fixture.bodies, floor));
  }
  CHECK(files <= 2);
  REQUIRE(fixture.reopen());
  CHECK(fixture.read_all(98) == from(fixture.bodies, 98));
}

TEST_CASE("when all is finished even a large active file goes, and the log goes on in another",
          "[storage]") {
  LogFixture fixture;
  publish_some(fixture, 10, 200 << 10);
  release(fixture, 10);
  CHECK(fixture.segment_paths().empty());
  CHECK(fixture.log->disk_bytes() == 0);
  CHECK(fixture.files->open_files() == 0);  // or its space would not be free
  CHECK(fixture.log->sync());
  fixture.bodies.clear();
  publish_some(fixture, 5);
  CHECK(fixture.read_all(10) == fixture.bodies);
  REQUIRE(fixture.log->sync());
  fixture.lose_power();
  REQUIRE(fixture.reopen());
  CHECK(fixture.read_all(10) == fixture.bodies);
}

TEST_CASE("a log whose messages are finished holds no memory", "[storage]") {
  LogFixture fixture;
  publish_some(fixture, 1000, 1000);
  CHECK(fixture.log->window_begin() == 0);
  release(fixture, 999);
  CHECK(fixture.log->window_begin() > 0);
  CHECK(fixture.log->find_in_memory(999));
  release(fixture, 1000);
  CHECK(fixture.log->window_begin() == 1000);
  CHECK_FALSE(fixture.log->find_in_memory(999));
  fixture.bodies.clear();
  publish_some(fixture, 3);
  CHECK(fixture.read_all(1000) == fixture.bodies);
}

TEST_CASE("who is about to read a file that is removed can still read it", "[storage]") {
  LogFixture fixture({.max_bytes_per_file = 1000, .window_messages = 0});
  publish_some(fixture, 100);
  const auto segments = fixture.log->release(100);
  REQUIRE(segments.size() > 1);
  REQUIRE(fixture.log->remove(segments));
  std::uint64_t damaged = 0;
  const auto chunk = segments[0]->read(0, 1000, {3, 1000}, damaged);
  REQUIRE(chunk);
  CHECK((*chunk)->find(0)->body == fixture.bodies[0]);
  CHECK(fixture.files->open_files() > 0);  // for as long as somebody holds them
}

TEST_CASE("what is released while it is being written counts as written", "[storage]") {
  LogFixture fixture;  // as with durability=memory
  for (int i = 0; i < 100; ++i) fixture.append("finished before it is written");
  fixture.files->set_observer([&](Call call, const std::string&) {
    if (call != Call::Write) return;
    for (int i = 0; i < 100; ++i) fixture.append("finished as well");
    CHECK(fixture.log->release(200).empty());
  });
  const auto written = fixture.log->write();
  fixture.files->set_observer(nullptr);
  REQUIRE(written);
  CHECK(*written == 200);
  CHECK(fixture.log->drop_unwritten() == 200);
  fixture.bodies.clear();
  publish_some(fixture, 3);
  CHECK(fixture.read_all(200) == fixture.bodies);
  REQUIRE(fixture.reopen());
  CHECK(fixture.read_all(200) == fixture.bodies);
}

// --- rewriting ---------------------------------------------------------------------------------

TEST_CASE("a rewritten segment holds what was to be kept, under the same indexes", "[storage]") {
  LogFixture fixture({.first = 10, .max_bytes_per_file = 3000, .window_messages = 0});
  publish_some(fixture, 100);
  REQUIRE(fixture.publish_batch({"a", "batch", "of", "four"}));
  publish_some(fixture, 100);
  const auto before = fixture.log->disk_bytes();
  const IntervalSet keep = every(9, {10, 214});
  Bodies kept;
  for (const auto& state : fixture.log->sealed_segments()) {
    REQUIRE(fixture.log->rewrite(state.first, keep));
    for (const auto& [index, body] : fixture.bodies) {
      if (index >= state.first && index < state.end && keep.contains(index)) kept[index] = body;
    }
  }
  const Index active = fixture.log->sealed_segments().back().end;
  for (const auto& [index, body] : from(fixture.bodies, active)) kept[index] = body;
  CHECK(fixture.log->disk_bytes() < before / 3);
  CHECK(fixture.read_all(10) == kept);
  CHECK(fixture.log->damaged() == 0);
  for (const auto& state : fixture.log->sealed_segments()) {
    CHECK(state.records == keep.count_in({state.first, state.end}));
  }

  REQUIRE(fixture.log->sync());
  fixture.lose_power();
  REQUIRE(fixture.reopen());
  CHECK(fixture.read_all(10) == kept);
}

TEST_CASE("the segment being written is not rewritten", "[storage]") {
  LogFixture fixture;
  publish_some(fixture, 10);
  REQUIRE(fixture.log->rewrite(0, {}));
  REQUIRE(fixture.log->rewrite(12345, {}));
  CHECK(fixture.log->sealed_segments().empty());
  fixture.crash();
  REQUIRE(fixture.reopen());
  CHECK(fixture.read_all() == fixture.bodies);
}

TEST_CASE("keeping all of a segment with a wide gap does not count through the gap", "[storage]") {
  LogFixture fixture({.window_messages = 0});
  publish_some(fixture, 3);
  REQUIRE(fixture.reopen());
  fixture.log->skip_to(Index{1} << 45);
  publish_some(fixture, 3);
  IntervalSet keep;
  keep.add({0, kMaxIndex});
  REQUIRE(fixture.log->rewrite(0, keep));
  CHECK(fixture.read_all() == fixture.bodies);
}

TEST_CASE("a rewrite that fails leaves everything as it was, and no file behind", "[storage]") {
  LogFixture fixture({.max_bytes_per_file = 3000, .window_messages = 0});
  publish_some(fixture, 100);
  REQUIRE(fixture.log->sync());
  const auto before = fixture.contents();
  const IntervalSet keep = every(5, {0, 100});
  for (const Call call : {Call::Open, Call::Read, Call::Write, Call::Sync, Call::Rename}) {
    for (const std::uint64_t nth : {1U, 2U}) {
      if (nth == 2 && call != Call::Open) continue;
      fixture.files->fail(call, nth, std::errc::io_error);
      CHECK_FALSE(fixture.log->rewrite(0, keep));
      fixture.files->stop_failing();
      CHECK(fixture.contents() == before);
      CHECK(fixture.read_all() == fixture.bodies);
    }
  }
  REQUIRE(fixture.log->rewrite(0, keep));
  CHECK(fixture.contents() != before);
}

TEST_CASE("a crash at any moment of a rewrite leaves the old file or the new one", "[storage]") {
  LogFixture fixture({.max_bytes_per_file = 3000, .window_messages = 0});
  publish_some(fixture, 100);
  const auto position = fixture.log->sync();
  const Index end = fixture.log->sealed_segments().front().end;
  const IntervalSet keep = every(5, {0, end});
  std::vector<std::unique_ptr<nsq::test::MemoryFileSystem>> images;
  fixture.files->set_observer([&](Call, const std::string&) {
    images.push_back(fixture.files->after_kill());
    images.push_back(fixture.files->after_power_loss());
    images.push_back(fixture.files->after_power_loss(images.size()));
  });
  REQUIRE(fixture.log->rewrite(0, keep));
  CHECK(images.size() > 15);
  for (auto& image : images) {
    LogFixture later(fixture.options);
    later.files = std::move(image);
    const auto recovered = later.reopen(*position);
    REQUIRE(recovered);
    CHECK(recovered->damaged == 0);
    const Bodies left = later.read_all();
    keep.for_each([&](IndexRange range) { CHECK(left.contains(range.begin)); });
    CHECK(from(left, end) == from(fixture.bodies, end));
    CHECK(later.contents().size() == later.segment_paths().size());
  }
}

TEST_CASE("a segment that is being rewritten is released later, and its file does not come back",
          "[storage]") {
  LogFixture fixture({.max_bytes_per_file = 3000, .window_messages = 0});
  publish_some(fixture, 100);
  const std::string path = fixture.segment_paths().front();
  fixture.files->set_observer([&](Call call, const std::string&) {
    if (call == Call::Write) CHECK(fixture.log->release(100).empty());
    if (call == Call::Write) REQUIRE(fixture.log->rewrite(0, {}));  // it is already
  });
  REQUIRE(fixture.log->rewrite(0, every(5, {0, 100})));
  fixture.files->set_observer(nullptr);
  release(fixture, 100);
  CHECK_FALSE(fixture.files->exists(path));
  CHECK(fixture.segment_paths().size() == 1);
}

TEST_CASE("readers of a segment go on undisturbed while it is rewritten again and again",
          "[storage]") {
  LogFixture fixture({.max_bytes_per_file = 200'000, .window_messages = 0});
  publish_some(fixture, 3000, 100);
  const Index end = fixture.log->sealed_segments().front().end;
  IntervalSet keep = every(3, {0, end});
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> missing{0};
  std::vector<std::thread> readers;
  for (unsigned seed = 0; seed < 3; ++seed) {
    readers.emplace_back([&, seed] {
      std::minstd_rand random(seed + 1);
      while (!done) {
        const Index index = random() % (end / 3) * 3;
        const auto chunk = fixture.log->read(index);
        const auto record = chunk ? (*chunk)->find(index) : std::nullopt;
        if (!record || record->body != fixture.bodies.at(index)) ++missing;
      }
    });
  }
  for (int round = 0; round < 50; ++round) {
    IntervalSet more = every(3, {0, end});
    for (Index index = 1; index < end; index += 2 + static_cast<Index>(round)) more.add(index);
    REQUIRE(fixture.log->rewrite(0, more));
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  CHECK(missing == 0);
  CHECK(fixture.log->damaged() == 0);
}

// --- everything at once ------------------------------------------------------------------------

TEST_CASE("appending, writing, syncing, reading and releasing go on side by side", "[storage]") {
  LogFixture fixture({.max_bytes_per_file = 60'000, .window_messages = 100});
  constexpr Index kMessages = 6000;
  const auto body_of = [](Index index) {
    return std::to_string(index) + std::string(index % 97, 'x');
  };
  MessageLog& log = *fixture.log;
  std::atomic<Index> written{0};
  std::atomic<bool> failed{false};

  std::thread appender([&] {
    for (Index index = 0; index < kMessages; index += 2) {
      const std::string bodies[] = {body_of(index), body_of(index + 1)};
      const std::string_view views[] = {bodies[0], bodies[1]};
      log.append(views, Timestamp{1}, {});
    }
  });
  std::thread writer([&] {
    while (written < kMessages) {
      const auto end = log.write();
      if (!end) failed = true;
      written = *end;
    }
  });
  constexpr std::size_t kReaders = 3;
  std::array<std::atomic<Index>, kReaders> floors{};
  std::vector<std::thread> readers;
  for (std::size_t reader = 0; reader < kReaders; ++reader) {
    readers.emplace_back([&, reader] {
      for (Index next = 0; next < kMessages;) {
        const Index end = written;
        const auto bodies = test::read_bodies(log, next, end);
        if (!bodies || bodies->size() != end - next) failed = true;
        for (; next < end; ++next) {
          if (bodies->at(next) != body_of(next)) failed = true;
        }
        floors[reader] = next;
      }
    });
  }
  std::thread keeper([&] {
    while (true) {
      Index floor = kMessages;
      for (const auto& each : floors) floor = std::min<Index>(floor, each);
      if (!log.remove(log.release(floor)) || !log.sync()) failed = true;
      for (const auto& state : log.sealed_segments()) {
        IntervalSet all;
        all.add({state.first, state.end});
        if (!log.rewrite(state.first, all)) failed = true;
      }
      if (floor == kMessages) break;
    }
  });
  appender.join();
  writer.join();
  for (std::thread& reader : readers) reader.join();
  keeper.join();
  CHECK_FALSE(failed);
  CHECK(log.damaged() == 0);
}
