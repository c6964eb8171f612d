#include <xxhash.h>

#include <random>
#include <string>

#include "base/bytes.h"
#include "storage/message_log.h"
#include "storage/storage_error.h"
#include "support/catch.h"
#include "support/log_fixture.h"
#include "support/quiet_log.h"

using namespace nsq;
using namespace nsq::storage;
using nsq::test::Bodies;
using nsq::test::LogFixture;
using nsq::test::QuietLog;
using Call = nsq::test::MemoryFileSystem::Call;

namespace {

void publish_some(LogFixture& fixture, int messages, std::size_t bytes = 50) {
  for (int i = 0; i < messages; ++i) {
    REQUIRE(fixture.publish(std::to_string(fixture.log->end()) + std::string(bytes, '.')));
  }
}

Bodies without(Bodies bodies, Index begin, Index end) {
  bodies.erase(bodies.lower_bound(begin), bodies.lower_bound(end));
  return bodies;
}

std::string last_path(LogFixture& fixture) {
  return fixture.segment_paths().back();
}

std::uint64_t offset_of(LogFixture& fixture, const std::string& path, Index index) {
  const std::string content = fixture.files->content(path);
  const std::size_t at = find_record(content, kSegmentHeaderBytes, {index, index + 1},
                                     parse_segment_header(content)->identity);
  REQUIRE(at != std::string::npos);
  return at;
}

}  // namespace

TEST_CASE("after an end in good order everything is there and nothing is read but headers",
          "[storage]") {
  LogFixture fixture({.first = 500, .max_bytes_per_file = 2000});
  publish_some(fixture, 100);
  const auto position = fixture.log->sync();
  REQUIRE(position);
  CHECK(position->index == 600);
  fixture.crash();
  const auto recovered = fixture.reopen(*position);
  REQUIRE(recovered);
  CHECK(recovered->found);
  CHECK(recovered->begin == 500);
  CHECK(recovered->end == 600);
  CHECK(recovered->cut_bytes == 0);
  CHECK(recovered->damaged == 0);
  CHECK(fixture.files->calls(Call::Read) == fixture.segment_paths().size());
  CHECK(fixture.read_all(500) == fixture.bodies);

  publish_some(fixture, 10);
  CHECK(fixture.read_all(500) == fixture.bodies);
}

TEST_CASE("without a noted position the whole log is read, with the same result", "[storage]") {
  LogFixture fixture({.max_bytes_per_file = 2000});
  publish_some(fixture, 100);
  fixture.append_batch({"due", "later"}, Timestamp{77});
  fixture.write_all();
  fixture.crash();
  const auto recovered = fixture.reopen();
  REQUIRE(recovered);
  CHECK(recovered->end == 102);
  CHECK(recovered->deferred ==
        std::vector<std::pair<Index, Timestamp>>{{100, Timestamp{77}}, {101, Timestamp{77}}});
  CHECK(fixture.read_all() == fixture.bodies);
  std::uint64_t records = 0;
  for (const auto& segment : fixture.log->sealed_segments()) records += segment.records;
  CHECK(records == 102);
}

TEST_CASE("only deferred messages behind the position are reported", "[storage]") {
  LogFixture fixture;
  fixture.append_batch({"before"}, Timestamp{11});
  fixture.write_all();
  const auto position = fixture.log->sync();
  fixture.append_batch({"behind"}, Timestamp{12});
  fixture.write_all();
  fixture.crash();
  const auto recovered = fixture.reopen(*position);
  REQUIRE(recovered);
  CHECK(recovered->deferred == std::vector<std::pair<Index, Timestamp>>{{1, Timestamp{12}}});
}

TEST_CASE("a batch cut at any byte is taken out as a whole, and what was before stays",
          "[storage]") {
  const QuietLog quiet;
  LogFixture fixture;
  publish_some(fixture, 3);
  const auto position = fixture.log->sync();
  const Bodies before = fixture.bodies;
  const auto path = last_path(fixture);
  const std::size_t sound = fixture.files->content(path).size();
  REQUIRE(fixture.publish_batch({"one", std::string(40, '2'), "", "four"}));
  const std::string content = fixture.files->content(path);

  for (std::size_t size = sound; size <= content.size(); ++size) {
    for (const bool position_known : {false, true}) {
      INFO("cut at " << size << (position_known ? ", position known" : ""));
      LogFixture later;
      later.files = fixture.files->after_kill();
      later.files->put(path, content.substr(0, size));
      const auto recovered = later.reopen(position_known ? std::optional(*position) : std::nullopt);
      REQUIRE(recovered);
      const bool whole = size == content.size();
      CHECK(recovered->end == (whole ? 7 : 3));
      CHECK(recovered->cut_bytes == (whole ? 0 : size - sound));
      CHECK(recovered->damaged == 0);
      CHECK(later.files->content(path).size() == (whole ? size : sound));
      CHECK(later.read_all() == (whole ? fixture.bodies : before));
      later.bodies = later.read_all();
      CHECK(later.publish("goes on"));
      CHECK(later.read_all() == later.bodies);
      REQUIRE(later.reopen());
      CHECK(later.read_all() == later.bodies);
    }
  }
}

TEST_CASE("a header cut at any byte is no segment", "[storage]") {
  const QuietLog quiet;
  LogFixture fixture({.max_bytes_per_file = 300});
  publish_some(fixture, 4);
  const auto path = last_path(fixture);
  const std::string content = fixture.files->content(path);
  fixture.bodies.erase(fixture.bodies.lower_bound(std::stoull(path.substr(path.size() - 24, 20))),
                       fixture.bodies.end());
  for (std::size_t size = 0; size <= kSegmentHeaderBytes; ++size) {
    LogFixture later({.max_bytes_per_file = 300});
    later.files = fixture.files->after_kill();
    later.files->put(path, content.substr(0, size));
    const auto recovered = later.reopen();
    REQUIRE(recovered);
    CHECK(recovered->damaged == 0);
    CHECK_FALSE(later.files->exists(path));
    CHECK(later.read_all() == fixture.bodies);
    later.bodies = fixture.bodies;
    publish_some(later, 5);
    CHECK(later.read_all() == later.bodies);
    REQUIRE(later.reopen());
    CHECK(later.read_all() == later.bodies);
  }
}

TEST_CASE("a batch with a hole is taken out as a whole, and the batches behind it stay",
          "[storage]") {
  const QuietLog quiet;
  LogFixture fixture;
  publish_some(fixture, 2);
  const auto position = fixture.log->sync();
  REQUIRE(fixture.publish_batch({"2", "3", "4", "5"}));
  publish_some(fixture, 2);
  REQUIRE(fixture.publish_batch({"8", "9"}));
  const auto path = last_path(fixture);
  const Index damaged = GENERATE(2U, 3U, 4U, 5U);
  // A sector that did not reach the disk before the power failed.
  fixture.files->flip_bit(path, offset_of(fixture, path, damaged) + 20, 3);
  const Bodies kept = without(fixture.bodies, 2, 6);
  for (int again = 0; again < 2; ++again) {
    fixture.crash();
    const auto recovered = fixture.reopen(*position);
    REQUIRE(recovered);
    CHECK(recovered->end == 10);
    CHECK(fixture.read_all() == kept);
    CHECK(fixture.log->sync());  // so that it is settled
  }
  fixture.lose_power();
  REQUIRE(fixture.reopen());
  CHECK(fixture.read_all() == kept);
}

TEST_CASE("what lies before the position is passed over record by record", "[storage]") {
  const QuietLog quiet;
  LogFixture fixture;
  publish_some(fixture, 2);
  REQUIRE(fixture.publish_batch({"2", "3", "4", "5"}));
  publish_some(fixture, 2);
  const auto position = fixture.log->sync();
  const auto path = last_path(fixture);
  fixture.files->flip_bit(path, offset_of(fixture, path, 4) + 20, 3);
  fixture.crash();
  SECTION("the position is sound") {
    REQUIRE(fixture.reopen(*position));
  }
  SECTION("the end of the file is lost as well") {
    fixture.files->put(path, fixture.files->content(path).substr(0, position->offset - 3));
    const auto recovered = fixture.reopen(*position);
    REQUIRE(recovered);
    CHECK(recovered->damaged == 1);
    CHECK(recovered->end == 8);  // for the journal may know of it
    fixture.bodies.erase(7);
  }
  CHECK(fixture.read_all() == without(fixture.bodies, 4, 5));
}

TEST_CASE("a position that does not fit its segment is not trusted", "[storage]") {
  LogFixture fixture;
  publish_some(fixture, 10);
  auto position = fixture.log->sync();
  publish_some(fixture, 10);
  fixture.crash();
  SECTION("between two records' beginnings") {
    position->offset -= 7;
  }
  SECTION("within the header") {
    position->offset = 5;
  }
  SECTION("beyond the end") {
    position->offset = 1 << 20;
  }
  SECTION("of a segment that is gone") {
    position->segment = 3;
  }
  const auto recovered = fixture.reopen(*position);
  REQUIRE(recovered);
  CHECK(recovered->cut_bytes == 0);
  CHECK(recovered->damaged == 0);
  CHECK(recovered->end == (position->segment == 3 ? 10 : 20));
  if (position->segment == 0) CHECK(fixture.read_all() == fixture.bodies);
}

TEST_CASE("a position in a segment that was rewritten since is not trusted", "[storage]") {
  LogFixture fixture;
  fixture.append_batch({std::string(100, 'a')}, Timestamp{5});
  fixture.write_all();
  publish_some(fixture, 20);
  const auto position = fixture.log->sync();
  fixture.append_batch({std::string(100, 'b')}, Timestamp{6});
  fixture.write_all();
  publish_some(fixture, 20);
  fixture.options.max_bytes_per_file = 100;
  REQUIRE(fixture.reopen());  // seals the segment
  publish_some(fixture, 1);
  IntervalSet keep;
  for (Index index = 0; index < 42; index += 3) keep.add(index);
  REQUIRE(fixture.log->rewrite(0, keep));
  fixture.crash();
  const auto recovered = fixture.reopen(*position);
  REQUIRE(recovered);
  CHECK(recovered->cut_bytes == 0);
  CHECK(recovered->damaged == 0);
  CHECK(recovered->end == 43);
  CHECK(recovered->deferred == std::vector<std::pair<Index, Timestamp>>{{21, Timestamp{6}}});
  Bodies kept{{42, fixture.bodies[42]}};
  keep.for_each([&](IndexRange range) { kept[range.begin] = fixture.bodies[range.begin]; });
  CHECK(fixture.read_all() == kept);
}

TEST_CASE("a segment that is missing is a gap", "[storage]") {
  LogFixture fixture({.max_bytes_per_file = 1000});
  publish_some(fixture, 100);
  const auto position = fixture.log->sync();
  const auto paths = fixture.segment_paths();
  const Index first = std::stoull(paths[3].substr(paths[3].size() - 24, 20));
  const Index behind = std::stoull(paths[4].substr(paths[4].size() - 24, 20));
  REQUIRE(fixture.files->remove(paths[3]));
  for (const bool position_known : {false, true}) {
    fixture.crash();
    REQUIRE(fixture.reopen(position_known ? std::optional(*position) : std::nullopt));
    CHECK(fixture.read_all() == without(fixture.bodies, first, behind));
    CHECK(fixture.read_all(first).begin()->first == behind);
  }
}

TEST_CASE("the log goes on behind a segment that lost all its records", "[storage]") {
  const QuietLog quiet;
  LogFixture fixture({.max_bytes_per_file = 300});
  publish_some(fixture, 10);
  const auto paths = fixture.segment_paths();
  const auto first_of = [](const std::string& path) {
    return Index{std::stoull(path.substr(path.size() - 24, 20))};
  };
  // The last segment's header was written, the records before it were not.
  const std::string before = paths[paths.size() - 2];
  fixture.files->put(before, fixture.files->content(before).substr(0, kSegmentHeaderBytes));
  fixture.files->put(paths.back(),
                     fixture.files->content(paths.back()).substr(0, kSegmentHeaderBytes + 3));
  const auto recovered = fixture.reopen();
  REQUIRE(recovered);
  CHECK(recovered->end == first_of(paths.back()));
  fixture.bodies.erase(fixture.bodies.lower_bound(first_of(before)), fixture.bodies.end());
  publish_some(fixture, 10);
  CHECK(fixture.read_all() == fixture.bodies);
  REQUIRE(fixture.reopen());
  CHECK(fixture.read_all() == fixture.bodies);
}

TEST_CASE("damage anywhere in a segment costs the records it strikes", "[storage]") {
  const QuietLog quiet;
  LogFixture fixture;
  for (std::size_t i = 0; i < 40; ++i) REQUIRE(fixture.publish(std::string(i * 7 % 60, 'b')));
  const auto position = fixture.log->sync();
  const auto path = last_path(fixture);
  const std::string content = fixture.files->content(path);
  for (std::size_t byte = kSegmentHeaderBytes; byte < content.size(); byte += 3) {
    INFO("byte " << byte);
    LogFixture later;
    later.files = fixture.files->after_kill();
    later.files->flip_bit(path, byte, byte % 8);
    const auto recovered = later.reopen(byte % 2 == 0 ? std::optional(*position) : std::nullopt);
    REQUIRE(recovered);
    const Bodies left = later.read_all();
    CHECK(left.size() == 39);
    for (const auto& [index, body] : left) CHECK(body == fixture.bodies[index]);
  }
}

TEST_CASE("a damaged header is restored from its neighbours'", "[storage]") {
  const QuietLog quiet;
  LogFixture fixture({.max_bytes_per_file = 1000});
  publish_some(fixture, 50);
  const auto paths = fixture.segment_paths();
  for (const std::size_t which : {std::size_t{0}, std::size_t{2}, paths.size() - 1}) {
    fixture.files->flip_bit(paths[which], 17, 2);
  }
  const auto recovered = fixture.reopen();
  REQUIRE(recovered);
  CHECK(recovered->damaged == 3);
  CHECK(fixture.read_all() == fixture.bodies);
  CHECK(fixture.reopen()->damaged == 0);
}

TEST_CASE("a file whose header nobody knows is set aside, and the log starts anew", "[storage]") {
  const QuietLog quiet;
  LogFixture fixture;
  publish_some(fixture, 5);
  const auto path = last_path(fixture);
  fixture.files->flip_bit(path, 17, 2);
  const std::string content = fixture.files->content(path);
  const auto recovered = fixture.reopen();
  REQUIRE(recovered);
  CHECK(recovered->damaged == 1);
  CHECK(fixture.files->content(path + ".bad") == content);
  fixture.bodies.clear();
  publish_some(fixture, 5);
  CHECK(fixture.read_all() == fixture.bodies);
}

TEST_CASE("a newer version's files are refused and left untouched", "[storage]") {
  LogFixture fixture({.max_bytes_per_file = 300});
  publish_some(fixture, 10);
  const auto paths = fixture.segment_paths();
  std::string newer = fixture.files->content(paths.back());
  store_little(newer.data() + 8, kFormatVersion + 1);
  store_little(newer.data() + 24,  // this is no damage
               static_cast<std::uint64_t>(XXH3_64bits_withSeed(newer.data(), 24, 0x5eed)));
  fixture.files->put(paths.back(), newer);
  fixture.files->put(paths[0], fixture.files->content(paths[0]) + "torn");
  fixture.files->put(paths[0] + ".tmp", "a rewrite");
  const auto before = fixture.contents();
  const auto recovered = fixture.reopen();
  REQUIRE_FALSE(recovered);
  CHECK(recovered.error() == make_error_code(StorageErrc::NewerFormat));
  CHECK(fixture.contents() == before);
}

TEST_CASE("the log's seed stays, and new ids carry the new node's number", "[storage]") {
  LogFixture fixture;
  publish_some(fixture, 3);
  fixture.options.identity = {1234, 10};
  fixture.options.first = 99;
  REQUIRE(fixture.reopen());
  publish_some(fixture, 3);
  CHECK(fixture.log->find_in_memory(3)->find(3)->id == native_id(10, 3));
  const auto both = fixture.log->read_each(std::vector<Index>{1, 4});
  REQUIRE(both);
  CHECK((*both)->find(1)->id == native_id(9, 1));
  CHECK((*both)->find(4)->id == native_id(10, 4));
  for (const auto& path : fixture.segment_paths()) {
    CHECK(parse_segment_header(fixture.files->content(path))->identity.seed == 0x5eed);
  }
}

TEST_CASE("random bytes for files neither stop recovery nor bring forth messages", "[storage]") {
  const QuietLog quiet;
  for (unsigned seed = 0; seed < 300; ++seed) {
    INFO("seed " << seed);
    std::mt19937 random(seed);
    LogFixture fixture({.max_bytes_per_file = 300});
    publish_some(fixture, 4);
    for (const auto& path : fixture.segment_paths()) {
      std::string content = fixture.files->content(path);
      if (random() % 2 == 0) content.resize(kSegmentHeaderBytes);
      for (std::size_t i = random() % 200; i > 0; --i) content += static_cast<char>(random());
      if (random() % 4 == 0) content[random() % content.size()] ^= 1;
      fixture.files->put(path, content);
    }
    REQUIRE(fixture.reopen());
    for (const auto& [index, body] : fixture.read_all()) CHECK(body == fixture.bodies[index]);
  }
}

TEST_CASE("what an earlier process wrote and did not sync is synced with the first sync",
          "[storage]") {
  LogFixture fixture({.max_bytes_per_file = 1000});
  publish_some(fixture, 20);
  const auto position = GENERATE(true, false) ? std::optional(*fixture.log->sync()) : std::nullopt;
  publish_some(fixture, 20);
  fixture.crash();
  REQUIRE(fixture.reopen(position));
  CHECK(fixture.log->has_unsynced());
  CHECK(fixture.files->open_files() == 0);
  REQUIRE(fixture.log->sync());
  fixture.lose_power();
  REQUIRE(fixture.reopen());
  CHECK(fixture.read_all() == fixture.bodies);
}

TEST_CASE("indexes without record behind the position are reported as gaps", "[storage]") {
  const QuietLog quiet;
  LogFixture fixture({.max_bytes_per_file = 1000});
  publish_some(fixture, 20);
  const auto position = fixture.log->sync();
  fixture.log->skip_to(100);
  publish_some(fixture, 20);
  const auto path = last_path(fixture);
  const Index damaged = std::stoull(path.substr(path.size() - 24, 20)) + 1;
  fixture.files->flip_bit(path, offset_of(fixture, path, damaged) + 20, 3);
  fixture.crash();
  const auto recovered = fixture.reopen(*position);
  REQUIRE(recovered);
  IntervalSet gaps;
  recovered->gaps.for_each([&](IndexRange gap) { gaps.add(gap); });
  CHECK(gaps.count() == 81);
  CHECK(gaps.count_in({20, 100}) == 80);
  CHECK(gaps.contains(damaged));
}
