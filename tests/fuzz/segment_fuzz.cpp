// Any bytes for a segment's file: recovery succeeds, reading comes to an end, and both are of one
// mind, also when asked again and after the segment was rewritten.
#include <xxhash.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/bytes.h"
#include "support/log_fixture.h"
#include "support/quiet_log.h"

using namespace nsq;
using namespace nsq::storage;
using test::Bodies;
using test::LogFixture;

namespace {

constexpr LogIdentity kIdentity{0x5eed, 9};

std::uint32_t checksum(std::string_view bytes) {
  return static_cast<std::uint32_t>(
      XXH3_64bits_withSeed(bytes.data(), bytes.size(), kIdentity.seed));
}

// Mutations rarely hit a checksum: where bytes look like a record they are made to be one, so that
// what stands in them is believed.
void make_believable(std::string& bytes) {
  for (std::size_t mark = bytes.find("RM"); mark != std::string::npos;
       mark = bytes.find("RM", mark + 1)) {
    if (mark < 14 || mark + 18 > bytes.size()) continue;
    char* const record = bytes.data() + mark - 14;
    const std::size_t left = bytes.size() - (mark - 14);
    const auto flags = load_little<std::uint16_t>(record + 12);
    const std::size_t size = kRecordHeaderBytes + load_little<std::uint32_t>(record + 8) +
                             ((flags & kForeignId) != 0 ? 8 : 0) +
                             ((flags & kDeferred) != 0 ? 8 : 0);
    store_little(record + 4, checksum({record + 8, 24}));
    if (size <= left) store_little(record, checksum({record + 4, size - 4}));
  }
}

Bodies recover_and_read(LogFixture& fixture, std::optional<LogPosition> position) {
  const auto recovered = fixture.reopen(position);
  NSQ_ASSERT(recovered.ok());
  NSQ_ASSERT(recovered->begin <= recovered->end);
  Bodies bodies = fixture.read_all(recovered->begin);
  if (!bodies.empty()) {
    NSQ_ASSERT(bodies.begin()->first >= recovered->begin);
    NSQ_ASSERT(bodies.rbegin()->first < recovered->end);
  }
  return bodies;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const test::QuietLog quiet;
  std::string input(reinterpret_cast<const char*>(data), size);
  // The first two bytes say what else is to happen.
  const unsigned whim = size < 2 ? 0 : data[0] | unsigned{data[1]} << 8;
  input.erase(0, std::min<std::size_t>(2, size));
  if ((whim & 1) == 0) make_believable(input);
  char header[kSegmentHeaderBytes];
  encode_segment_header(header, kIdentity, (whim & 2) != 0);
  if ((whim & 12) != 0) input.insert(0, header, sizeof header);

  LogFixture fixture;
  NSQ_ASSERT(fixture.files->create_directory(LogFixture::kDirectory).ok());
  fixture.files->put(LogFixture::kDirectory + "/00000000000000000001.log", input);
  std::optional<LogPosition> position;
  if ((whim & 16) != 0) position = LogPosition{1, 32 + whim / 64, whim / 128};

  Bodies found = recover_and_read(fixture, position);
  // What a position says that was never noted, the file may contradict.
  const Bodies again = recover_and_read(fixture, std::nullopt);
  NSQ_ASSERT(position || again == found);
  found = again;
  if (!fixture.log->sealed_segments().empty()) {
    IntervalSet all;
    all.add({0, kMaxIndex});
    NSQ_ASSERT(fixture.log->rewrite(1, all).ok());
    NSQ_ASSERT(fixture.read_all(1) == found);
    NSQ_ASSERT(recover_and_read(fixture, std::nullopt) == found);
  }
  return 0;
}
