#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "broker/diskqueue.h"

namespace {

constexpr std::size_t kMaxBody = 300;

struct Reading {
  std::vector<std::string> bodies;
  std::uint64_t bytes = 0;  // of records and of what was skipped
};

Reading read(std::string_view bytes, std::size_t piece) {
  nsq::broker::DiskqueueParser parser(kMaxBody);
  Reading reading;
  const auto take = [&] {
    while (const auto record = parser.next()) {
      if (record->body.empty() || record->body.size() > kMaxBody) std::abort();
      reading.bodies.emplace_back(record->body);
      reading.bytes += 30 + record->body.size();
    }
  };
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
    parser.feed(bytes.substr(0, piece));
    take();
  }
  parser.end();
  take();
  reading.bytes += parser.skipped_bytes();
  return reading;
}

}  // namespace

// Arbitrary bytes for a data file of a queue, in pieces of three sizes; for its metadata; and for a
// name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Reading whole = read(bytes, size + 1);
  if (whole.bytes != size) std::abort();  // every byte is a record's, or counted as none
  for (const std::size_t piece : {std::size_t{1}, std::size_t{31}}) {
    const Reading pieces = read(bytes, piece);
    if (pieces.bodies != whole.bodies || pieces.bytes != whole.bytes) std::abort();
  }
  nsq::broker::parse_diskqueue_meta(bytes);
  const auto name = nsq::broker::parse_diskqueue_name(bytes);
  if (name && name->topic.empty()) std::abort();
  return 0;
}
