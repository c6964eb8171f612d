#include "broker/diskqueue.h"

#include <algorithm>
#include <string>
#include <vector>

#include "diskqueue_files.h"
#include "support/catch.h"

using namespace nsq::broker;
using namespace nsq::test;

namespace {

using Bodies = std::vector<std::string>;

struct Reading {
  Bodies bodies;
  std::uint64_t damaged = 0;
  std::uint64_t skipped_bytes = 0;
};

Reading read(const std::string& bytes, std::size_t piece) {
  DiskqueueParser parser(1000);
  Reading reading;
  const auto take = [&] {
    while (const auto record = parser.next()) reading.bodies.emplace_back(record->body);
  };
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    parser.feed(std::string_view(bytes).substr(at, piece));
    take();
  }
  parser.end();
  take();
  reading.damaged = parser.damaged();
  reading.skipped_bytes = parser.skipped_bytes();
  return reading;
}

// The same whatever pieces the bytes come in.
Reading read(const std::string& bytes) {
  const Reading whole = read(bytes, bytes.size() + 1);
  for (const std::size_t piece : {1, 7, 33, 1000}) {
    const Reading pieces = read(bytes, piece);
    CHECK(pieces.bodies == whole.bodies);
    CHECK(pieces.skipped_bytes == whole.skipped_bytes);
  }
  return whole;
}

std::string records(const Bodies& bodies) {
  std::string bytes;
  for (const std::string& body : bodies) bytes += old_record({body});
  return bytes;
}

}  // namespace

TEST_CASE("a record of the documented example is read", "[broker]") {
  const std::string bytes(
      "\x00\x00\x00\x22\x18\xe9\xf7\xa6\x39\xef\x28\x0b\x00\x01"
      "18a2bb5853a69000inflight",
      38);
  DiskqueueParser parser(1000);
  parser.feed(bytes);
  parser.end();
  const auto record = parser.next();
  REQUIRE(record);
  CHECK(record->body == "inflight");
  CHECK(record->attempts == 1);
  CHECK(record->id == 0x18a2bb5853a69000);
  CHECK(record->timestamp.nanoseconds() == 0x18e9f7a639ef280b);
  CHECK_FALSE(parser.next());
  CHECK(parser.damaged() == 0);
}

TEST_CASE("records are read in any pieces", "[broker]") {
  const Reading reading = read(records({"one", "two", std::string(900, 'x')}));
  CHECK(reading.bodies == Bodies{"one", "two", std::string(900, 'x')});
  CHECK(reading.damaged == 0);
}

TEST_CASE("a torn last record costs itself", "[broker]") {
  const std::string bytes = records({"one", "two"});
  for (std::size_t cut = 1; cut < 33; ++cut) {
    CAPTURE(cut);
    const Reading reading = read(bytes.substr(0, bytes.size() - cut));
    CHECK(reading.bodies == Bodies{"one"});
    CHECK(reading.damaged == 1);
  }
}

TEST_CASE("damage in a record's header costs that record", "[broker]") {
  const Bodies bodies{"one", "two", "three", "four"};
  const std::string bytes = records(bodies);
  const std::size_t second = records({"one"}).size();
  // A byte of the timestamp or of the attempts can be anything.
  for (std::size_t at : {0, 1, 2, 3, 14, 20, 29}) {
    CAPTURE(at);
    std::string damaged = bytes;
    damaged[second + at] = static_cast<char>(damaged[second + at] ^ 0x41);
    const Reading reading = read(damaged);
    CHECK(reading.bodies == Bodies{"one", "three", "four"});
    CHECK(reading.damaged == 1);
    CHECK(reading.skipped_bytes == records({"two"}).size());
  }
}

TEST_CASE("a length that is too small or too large does not take others along", "[broker]") {
  const std::string bytes = records({"one", "two", "three", "four"});
  const std::size_t second = records({"one"}).size();
  for (const std::uint32_t length : {26U, 27U, 28U, 40U, 60U, 90U, 500U, 1026U}) {
    CAPTURE(length);
    std::string damaged = bytes;
    nsq::store_big(damaged.data() + second, length);
    const Reading reading = read(damaged);
    CHECK(std::find(reading.bodies.begin(), reading.bodies.end(), "three") != reading.bodies.end());
    CHECK(reading.bodies.back() == "four");
    CHECK(reading.damaged >= 1);
  }
}

TEST_CASE("a gap of zeros is passed over", "[broker]") {
  const Reading reading = read(records({"one"}) + std::string(5000, '\0') + records({"two"}));
  CHECK(reading.bodies == Bodies{"one", "two"});
  CHECK(reading.damaged == 1);
  CHECK(reading.skipped_bytes == 5000);
}

TEST_CASE("what is no record at all gives none", "[broker]") {
  CHECK(read("").bodies.empty());
  CHECK(read("abc").bodies.empty());
  CHECK(read(std::string(10'000, '7')).bodies.empty());
  CHECK(read(old_record({""})).bodies.empty());  // an empty message cannot be published
  CHECK(read(old_record({std::string(1001, 'x')})).bodies.empty());
}

TEST_CASE("file names tell queue, kind and number", "[broker]") {
  const auto topic = parse_diskqueue_name("t.diskqueue.000012.dat");
  REQUIRE(topic);
  CHECK(topic->kind == DiskqueueFile::Kind::Data);
  CHECK(topic->topic == "t");
  CHECK(topic->channel.empty());
  CHECK(topic->number == 12);
  const auto channel = parse_diskqueue_name("a.b:c-d.diskqueue.meta.dat");
  REQUIRE(channel);
  CHECK(channel->kind == DiskqueueFile::Kind::Meta);
  CHECK(channel->topic == "a.b");
  CHECK(channel->channel == "c-d");
  // A topic may be called like a file.
  const auto nested = parse_diskqueue_name("t.diskqueue.meta.dat.diskqueue.1234567.dat");
  REQUIRE(nested);
  CHECK(nested->topic == "t.diskqueue.meta.dat");
  CHECK(nested->number == 1'234'567);
  for (const char* other : {"t.diskqueue.000000.dat.bad", "t:c.diskqueue.meta.dat.4711.tmp"}) {
    const auto file = parse_diskqueue_name(other);
    REQUIRE(file);
    CHECK(file->kind == DiskqueueFile::Kind::Other);
  }
}

TEST_CASE("names that are no queue's are left alone", "[broker]") {
  for (const char* name :
       {"nsqd.dat", "nsqd.dat.1.tmp", "t.diskqueue.00000.dat", "t.diskqueue.meta",
        "t.diskqueue..dat", ".diskqueue.000000.dat", "t:.diskqueue.000000.dat",
        "a b.diskqueue.000000.dat", "t:a:b.diskqueue.000000.dat", "t.diskqueue.00000x.dat",
        "t.diskqueue.000000.dat.old", "t.diskqueue.99999999999999999999999.dat",
        "../t.diskqueue.000000.dat"}) {
    CAPTURE(name);
    CHECK_FALSE(parse_diskqueue_name(name));
  }
}

TEST_CASE("metadata are three lines of numbers", "[broker]") {
  const auto meta = parse_diskqueue_meta("-2\n0,17\n12,76\n");
  REQUIRE(meta);
  CHECK(meta->depth == -2);
  CHECK(meta->read_file == 0);
  CHECK(meta->read_offset == 17);
  CHECK(meta->write_file == 12);
  CHECK(meta->write_offset == 76);
  for (const char* text : {"", "2\n", "2\n0,0\n0,76", "x\n0,0\n0,0\n", "2\n0\n0,0\n",
                           "2\n0,-1\n0,0\n", "2\n99999999999999999999,0\n0,0\n"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_diskqueue_meta(text));
  }
}
