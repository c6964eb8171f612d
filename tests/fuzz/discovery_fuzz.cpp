// Any bytes a lookupd may answer a daemon: over TCP, and as the list of channels.
#include <string_view>

#include "base/assert.h"
#include "protocol/discovery.h"
#include "protocol/names.h"

using namespace nsq::protocol;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const AnswerReader reader(300);
  std::string_view rest = input;
  for (auto reading = reader.read(rest); reading.outcome == AnswerReader::Outcome::Answer;
       reading = reader.read(rest)) {
    NSQ_ASSERT(reading.consumed == kAnswerSizeBytes + reading.data.size());
    NSQ_ASSERT(reading.data.size() <= 300);
    rest.remove_prefix(reading.consumed);
  }
  if (const auto identity = parse_peer_identity(input)) {
    NSQ_ASSERT(parse_peer_identity(encode_daemon_identity(*identity)) == identity);
  }
  if (const auto channels = parse_channels_answer(input)) {
    for (const auto& channel : *channels) NSQ_ASSERT(is_valid_name(channel));
  }
  return 0;
}
