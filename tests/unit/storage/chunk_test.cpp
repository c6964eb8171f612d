#include "storage/chunk.h"

#include <cstring>
#include <string>

#include "support/catch.h"

using namespace nsq;
using namespace nsq::storage;

namespace {

constexpr LogIdentity kIdentity{11, 3};

Record make_record(Index index, std::string_view body) {
  Record record;
  record.index = index;
  record.id = native_id(kIdentity.node_id, index);
  record.timestamp = Timestamp{1};
  record.body = body;
  return record;
}

}  // namespace

TEST_CASE("a growing chunk covers what was appended to it, and nothing else", "[storage]") {
  Chunk chunk(100, 1000, kIdentity);
  CHECK_FALSE(chunk.covers(100));
  chunk.append(make_record(100, "a"));
  chunk.append(make_record(101, "bb"));
  CHECK(chunk.covers(100));
  CHECK(chunk.covers(101));
  CHECK_FALSE(chunk.covers(99));
  CHECK_FALSE(chunk.covers(102));
  CHECK(chunk.find(101)->body == "bb");
  CHECK(chunk.next_present(100) == 100);
  CHECK(chunk.size() == 2 * kRecordHeaderBytes + 3);
}

TEST_CASE("what was taken back is not covered, and its room is used again", "[storage]") {
  Chunk chunk(0, 2 * kRecordHeaderBytes + 4, kIdentity);
  chunk.append(make_record(0, "aa"));
  const std::size_t kept = chunk.size();
  chunk.append(make_record(1, "bb"));
  CHECK_FALSE(chunk.has_room(1));
  chunk.truncate(kept, 1);
  CHECK_FALSE(chunk.covers(1));
  chunk.append(make_record(1, "cc"));
  CHECK(chunk.find(0)->body == "aa");
  CHECK(chunk.find(1)->body == "cc");
}

TEST_CASE("a chunk read back knows its gaps", "[storage]") {
  std::string bytes(500, '\0');
  char* end = bytes.data() + 10;  // of a record before that is not of interest
  std::vector<std::pair<Index, std::size_t>> records;
  for (const Index index : {12U, 15U, 16U, 30U}) {
    records.emplace_back(index, end - bytes.data());
    end = encode_record(end, make_record(index, std::to_string(index)), kIdentity);
  }
  Buffer buffer(bytes.size());
  std::memcpy(buffer.get(), bytes.data(), bytes.size());
  Chunk chunk(10, std::move(buffer), bytes.size(), kIdentity);
  for (const auto& [index, offset] : records) chunk.note_record(index, offset);
  CHECK_FALSE(chunk.covers(31));
  chunk.extend_range(40);

  for (Index index = 10; index < 40; ++index) {
    INFO("index " << index);
    const bool present = index == 12 || index == 15 || index == 16 || index == 30;
    CHECK(chunk.covers(index));
    REQUIRE(chunk.find(index).has_value() == present);
    if (present) CHECK(chunk.find(index)->body == std::to_string(index));
  }
  CHECK_FALSE(chunk.covers(40));
  CHECK(chunk.next_present(10) == 12);
  CHECK(chunk.next_present(13) == 15);
  CHECK(chunk.next_present(17) == 30);
  CHECK(chunk.next_present(31) == 40);
}

TEST_CASE("a chunk of nothing covers the gap it stands for", "[storage]") {
  Chunk chunk(5, 0, kIdentity);
  chunk.extend_range(9);
  CHECK(chunk.covers(8));
  CHECK_FALSE(chunk.find(8));
  CHECK(chunk.next_present(5) == 9);
}
