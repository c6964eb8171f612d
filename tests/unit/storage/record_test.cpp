#include "storage/record.h"

#include <random>
#include <string>

#include "base/bytes.h"
#include "support/catch.h"

using namespace nsq;
using namespace nsq::storage;
using Status = ParsedRecord::Status;

namespace {

constexpr LogIdentity kIdentity{0x0123456789abcdef, 7};
constexpr IndexRange kAnyIndex{0, kNoIndex};

Record make_record(Index index, std::string_view body) {
  Record record;
  record.index = index;
  record.id = native_id(kIdentity.node_id, index);
  record.timestamp = Timestamp{1'700'000'000'000'000'000};
  record.body = body;
  return record;
}

std::string encode(const Record& record, const LogIdentity& identity = kIdentity) {
  std::string bytes(encoded_bytes(record, identity.node_id), '\0');
  CHECK(encode_record(bytes.data(), record, identity) == bytes.data() + bytes.size());
  return bytes;
}

}  // namespace

TEST_CASE("a record reads back as it was, with and without its optional parts", "[storage]") {
  Record record = make_record(42, "hello");
  SECTION("plain") {
    CHECK(encode(record).size() == kRecordHeaderBytes + 5);
  }
  SECTION("of another node") {
    record.id = 99;
    CHECK(encode(record).size() == kRecordHeaderBytes + 8 + 5);
  }
  SECTION("deferred") {
    record.due = Timestamp{1'800'000'000'000'000'001};
    CHECK(encode(record).size() == kRecordHeaderBytes + 8 + 5);
  }
  SECTION("all of it, in the middle of a batch") {
    record.id = 99;
    record.due = Timestamp{5};
    record.in_batch = record.batch_goes_on = true;
  }
  SECTION("without a body") {
    record.body = {};
  }
  const std::string bytes = encode(record);
  const std::string read = bytes + "what follows";
  const ParsedRecord parsed = parse_record(read, kIdentity);
  REQUIRE(parsed.status == Status::Complete);
  CHECK(parsed.size == bytes.size());
  CHECK(parsed.record.index == record.index);
  CHECK(parsed.record.id == record.id);
  CHECK(parsed.record.timestamp == record.timestamp);
  CHECK(parsed.record.due == record.due);
  CHECK(parsed.record.body == record.body);
  CHECK(parsed.record.in_batch == record.in_batch);
  CHECK(parsed.record.batch_goes_on == record.batch_goes_on);
}

TEST_CASE("a record that is cut says how much of it there should be", "[storage]") {
  const std::string bytes = encode(make_record(1, "some body"));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const ParsedRecord parsed = parse_record(bytes.substr(0, size), kIdentity);
    CHECK(parsed.status == Status::Cut);
    CHECK(parsed.size == (size < kRecordHeaderBytes ? kRecordHeaderBytes : bytes.size()));
  }
}

TEST_CASE("no flipped bit goes unnoticed, nor does it make a length believed", "[storage]") {
  const std::string good = encode(make_record(1, "some body"));
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bytes = good;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ 1 << bit % 8);
    INFO("bit " << bit);
    CHECK(parse_record(bytes, kIdentity).status == Status::Bad);
  }
  std::string huge = good;
  store_little(huge.data() + 8, std::uint32_t{0xffffffff});
  CHECK(parse_record(huge, kIdentity).status == Status::Bad);
}

TEST_CASE("a record is none to whoever has another seed", "[storage]") {
  const std::string bytes = encode(make_record(1, "some body"));
  CHECK(parse_record(bytes, {kIdentity.seed + 1, kIdentity.node_id}).status == Status::Bad);
}

TEST_CASE("records are found behind any bytes, but only plausible ones", "[storage]") {
  const std::string record = encode(make_record(100, "found"));
  const std::string foreign = encode(make_record(100, "by another log"), {1, 7});
  const std::string bytes = "RMRMRMRM" + foreign + std::string(50, 'R') + record + "RM";
  const std::size_t at = bytes.size() - 2 - record.size();
  CHECK(find_record(bytes, 0, kAnyIndex, kIdentity) == at);
  CHECK(find_record(bytes, at, kAnyIndex, kIdentity) == at);
  CHECK(find_record(bytes, at + 1, kAnyIndex, kIdentity) == std::string::npos);
  CHECK(find_record(bytes, 0, {101, 200}, kIdentity) == std::string::npos);
  CHECK(find_record(bytes, 0, {0, 100}, kIdentity) == std::string::npos);
  CHECK(find_record(bytes, bytes.size() + 5, kAnyIndex, kIdentity) == std::string::npos);
}

TEST_CASE("of a record whose body is damaged or elsewhere the header is found", "[storage]") {
  std::string bytes = "x" + encode(make_record(3, "some body"));
  const std::string cut = bytes.substr(0, 1 + kRecordHeaderBytes);
  CHECK(find_record(cut, 0, kAnyIndex, kIdentity) == std::string::npos);
  CHECK(find_record_header(cut, 0, kAnyIndex, kIdentity) == 1);
  bytes.back() = '?';
  CHECK(find_record(bytes, 0, kAnyIndex, kIdentity) == std::string::npos);
  CHECK(find_record_header(bytes, 0, kAnyIndex, kIdentity) == 1);
}

TEST_CASE("searching bytes made to look like records takes no longer than others", "[storage]") {
  // Each place claims to be a record that reaches to the end; summing up all of that would take
  // minutes.
  std::string bytes;
  while (bytes.size() < (4 << 20)) {
    std::string fake = encode(make_record(5, ""), {1, 7});
    store_little(fake.data() + 8, static_cast<std::uint32_t>((4 << 20) - bytes.size()));
    bytes += fake;
  }
  CHECK(find_record(bytes, 0, kAnyIndex, kIdentity) == std::string::npos);
}

TEST_CASE("random bytes are no records and are read within their bounds", "[storage]") {
  std::mt19937_64 random(1);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(random() % 200, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    if (round % 2 == 0 && bytes.size() >= 16) store_little(bytes.data() + 14, kRecordMark);
    CHECK(parse_record(bytes, kIdentity).status != Status::Complete);
    CHECK(find_record(bytes, 0, kAnyIndex, kIdentity) == std::string::npos);
    CHECK_FALSE(parse_segment_header(bytes));
  }
}

TEST_CASE("a segment's header says who wrote it, and nothing if damaged", "[storage]") {
  for (const bool sealed : {false, true}) {
    std::string bytes(kSegmentHeaderBytes, '\0');
    encode_segment_header(bytes.data(), kIdentity, sealed);
    const auto header = parse_segment_header(bytes);
    REQUIRE(header);
    CHECK(header->version == kFormatVersion);
    CHECK(header->identity.seed == kIdentity.seed);
    CHECK(header->identity.node_id == kIdentity.node_id);
    CHECK(header->sealed == sealed);
    CHECK_FALSE(parse_segment_header(bytes.substr(0, kSegmentHeaderBytes - 1)));
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      std::string damaged = bytes;
      damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
      CHECK_FALSE(parse_segment_header(damaged));
    }
  }
}
