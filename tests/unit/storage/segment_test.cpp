#include "storage/segment.h"

#include <map>
#include <random>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "support/catch.h"
#include "support/memory_file_system.h"

using namespace nsq;
using namespace nsq::storage;
using nsq::test::MemoryFileSystem;
using Call = MemoryFileSystem::Call;

namespace {

constexpr SegmentHeader kHeader{kFormatVersion, {42, 7}, false};
const std::string kPath = "segment";

std::string encode(Index index, std::string_view body, const LogIdentity& identity) {
  Record record;
  record.index = index;
  record.id = native_id(identity.node_id, index);
  record.timestamp = Timestamp{1};
  record.body = body;
  std::string bytes(encoded_bytes(record, identity.node_id), '\0');
  encode_record(bytes.data(), record, identity);
  return bytes;
}

// A segment file and what should be read from it.
class SegmentFixture {
 public:
  explicit SegmentFixture(Index first = 0) : first_(first), content_(kSegmentHeaderBytes, '\0') {
    encode_segment_header(content_.data(), kHeader.identity);
  }

  void add(Index index, std::string_view body) {
    offsets_[index] = content_.size();
    content_ += encode(index, body, kHeader.identity);
    bodies_[index] = body;
  }
  void add_garbage(std::string_view bytes) { content_ += bytes; }
  void damage(Index index, std::size_t byte) {
    content_[offsets_.at(index) + byte] ^= 0x10;
    bodies_.erase(index);
  }

  void open() {
    files.put(kPath, content_);
    segment_.emplace(files, kPath, first_, kHeader);
  }
  Segment::Extent extent() const {
    return {bodies_.empty() ? first_ : bodies_.rbegin()->first + 1, content_.size()};
  }
  std::shared_ptr<Chunk> read(Index from, std::size_t max_bytes = 4096) {
    auto chunk = segment_->read(from, max_bytes, extent(), damaged);
    REQUIRE(chunk);
    REQUIRE((*chunk)->covers(from));
    return *chunk;
  }
  // Checks that reading at this index begins with the right record.
  void check_at(Index from, std::size_t max_bytes = 4096) {
    INFO("index " << from);
    const auto next = bodies_.lower_bound(from);
    const auto chunk = read(from, max_bytes);
    REQUIRE(chunk->next_present(from) == (next == bodies_.end() ? chunk->end() : next->first));
    if (next != bodies_.end()) REQUIRE(chunk->find(next->first)->body == next->second);
  }
  void check_all(std::size_t max_bytes = 4096) {
    std::map<Index, std::string> read_back;
    for (Index at = first_; at < extent().end;) {
      const auto chunk = read(at, max_bytes);
      for (; chunk->covers(at); ++at) {
        if (const auto record = chunk->find(at)) read_back[at] = record->body;
      }
    }
    REQUIRE(read_back == bodies_);
  }

  MemoryFileSystem files;
  std::uint64_t damaged = 0;
  const std::map<Index, std::string>& bodies() const { return bodies_; }
  std::size_t bytes() const { return content_.size(); }

 private:
  const Index first_;
  std::string content_;
  std::map<Index, std::size_t> offsets_;
  std::map<Index, std::string> bodies_;
  std::optional<Segment> segment_;
};

}  // namespace

TEST_CASE("any record of a large segment is found, with and without gaps", "[storage]") {
  for (const unsigned gap : {1U, 50U}) {
    std::mt19937 random(gap);
    SegmentFixture segment(1000);
    Index index = 1000;
    while (segment.bytes() < (4 << 20)) {
      segment.add(index, std::string(random() % 400, static_cast<char>('a' + index % 26)));
      index += 1 + random() % gap;
    }
    segment.open();
    segment.check_at(1000);
    segment.check_at(segment.extent().end - 1);
    for (int i = 0; i < 100; ++i) {
      segment.check_at(1000 + random() % (segment.extent().end - 1000));
    }
    segment.check_all(100'000);
    CHECK(segment.damaged == 0);
  }
}

TEST_CASE("finding a record in a large segment reads little of it", "[storage]") {
  SegmentFixture segment;
  Index index = 0;
  while (segment.bytes() < (8 << 20)) segment.add(index++, std::string(200, 'x'));
  segment.open();
  std::uint64_t reads = 0;
  segment.files.set_observer([&](Call call, const std::string&) { reads += call == Call::Read; });
  segment.check_at(index / 3);
  CHECK(reads < 20);
}

TEST_CASE("records are found between bodies of many sizes", "[storage]") {
  std::mt19937 random(3);
  SegmentFixture segment;
  for (Index index = 0; index < 40; ++index) {
    const std::size_t sizes[] = {0, 1, 5000, 70'000, 200'000, 1 << 20};
    segment.add(index, std::string(sizes[random() % 6], static_cast<char>('a' + index % 26)));
  }
  segment.open();
  for (int i = 0; i < 40; ++i) segment.check_at(random() % 40);
  segment.check_all(4096);
  segment.check_all(512 << 10);
}

TEST_CASE("bodies that look like records of the same log are not taken for them", "[storage]") {
  std::mt19937 random(4);
  SegmentFixture segment;
  for (Index index = 0; index < 400; ++index) {
    std::string body;
    for (Index fake = index; fake < index + 60; ++fake) {  // right but for the seed
      std::string bytes = encode(fake, std::string(100, 'f'), {kHeader.identity.seed + 1, 7});
      if (fake % 2 == 0) store_little(bytes.data() + 8, std::uint32_t{0xffffffff});
      body += bytes;
    }
    segment.add(index, body);
  }
  segment.open();
  for (int i = 0; i < 100; ++i) segment.check_at(random() % 400);
  segment.check_all(10'000);
  CHECK(segment.damaged == 0);
}

TEST_CASE("damage costs the records it strikes and no others", "[storage]") {
  std::mt19937 random(5);
  SegmentFixture segment;
  for (Index index = 0; index < 3000; ++index) {
    segment.add(index, std::string(random() % 300, static_cast<char>('a' + index % 26)));
    if (index == 700) segment.add_garbage(std::string(100'000, 'G'));
    if (index == 800) segment.add_garbage(encode(5, "an old record", kHeader.identity));
  }
  for (const Index index : {0U, 10U, 11U, 12U, 1500U, 2998U}) segment.damage(index, index % 32);
  segment.open();
  segment.check_all(4096);
  // 10 to 12 are one place; of bytes between records whoever goes straight to the next one learns
  // nothing.
  CHECK(segment.damaged >= 4);
  CHECK(segment.damaged <= 6);
  segment.check_all(60'000);
  for (int i = 0; i < 200; ++i) segment.check_at(random() % 2998);
  CHECK(segment.damaged <= 6);  // each place is counted once
}

TEST_CASE("a damaged length is not followed", "[storage]") {
  SegmentFixture segment;
  for (Index index = 0; index < 200; ++index) segment.add(index, "body");
  for (std::size_t byte = 8; byte < 12; ++byte) segment.damage(10 * byte, byte);
  segment.open();
  segment.check_all();
  CHECK(segment.damaged == 4);
}

TEST_CASE("what lies beyond the extent is not read", "[storage]") {
  SegmentFixture segment;
  for (Index index = 0; index < 10; ++index) segment.add(index, "body");
  const Segment::Extent extent = segment.extent();
  segment.add(10, "being written");
  segment.open();
  Segment reader(segment.files, kPath, 0, kHeader);
  auto chunk = reader.read(3, 4096, extent, segment.damaged);
  REQUIRE(chunk);
  CHECK((*chunk)->end() == 10);
  // A writer's bytes may be there in part.
  chunk = reader.read(3, 4096, {extent.end, extent.bytes + 5}, segment.damaged);
  REQUIRE(chunk);
  CHECK((*chunk)->end() == 10);
}

TEST_CASE("a file that has become shorter ends early and is counted as damaged", "[storage]") {
  SegmentFixture segment;
  for (Index index = 0; index < 100; ++index) segment.add(index, std::string(100, 'b'));
  segment.open();
  segment.files.put(kPath, segment.files.content(kPath).substr(0, 5000));
  const auto chunk = segment.read(0, 100'000);
  CHECK(chunk->end() == 100);
  CHECK(chunk->find(20));
  CHECK_FALSE(chunk->find(60));
  CHECK(segment.damaged > 0);
  CHECK_FALSE(segment.read(60)->find(60));
}

TEST_CASE("a reader goes on seeing the file it knew when another takes its name", "[storage]") {
  SegmentFixture segment;
  for (Index index = 0; index < 10; ++index) segment.add(index, "old");
  segment.open();
  Segment reader(segment.files, kPath, 0, kHeader);
  REQUIRE(reader.keep_open());
  REQUIRE(segment.files.remove(kPath));
  auto chunk = reader.read(3, 4096, segment.extent(), segment.damaged);
  REQUIRE(chunk);
  CHECK((*chunk)->find(3)->body == "old");
  Segment late(segment.files, kPath, 0, kHeader);
  CHECK_FALSE(late.read(3, 4096, segment.extent(), segment.damaged));
}

TEST_CASE("errors of the disk are passed on", "[storage]") {
  SegmentFixture segment;
  for (Index index = 0; index < 100; ++index) segment.add(index, "body");
  segment.open();
  Segment reader(segment.files, kPath, 0, kHeader);
  segment.files.fail(Call::Read, 1, std::errc::io_error);
  CHECK_FALSE(reader.read(0, 4096, segment.extent(), segment.damaged));
  CHECK(reader.read(0, 4096, segment.extent(), segment.damaged));
}
