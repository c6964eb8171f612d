// Any bytes a daemon, or somebody else, may send to a lookupd, whole and in pieces.
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/log.h"
#include "lookupd/answers.h"
#include "lookupd/session.h"

using namespace nsq::lookupd;

namespace {

constexpr Limits kLimits{
    .line_bytes = 300, .identify_bytes = 400, .registrations_per_peer = 20, .names = 10};

// Feeds the input in pieces of that size and returns what is answered.
std::string converse(std::string_view input, std::size_t piece_bytes) {
  Registry registry({kLimits.registrations_per_peer, kLimits.names});
  const std::string own = "{}";
  std::string out;
  {
    Session session(registry, kLimits, own, "remote");
    std::string kept;
    while (!input.empty() && !session.is_over()) {
      kept += input.substr(0, piece_bytes);
      input.remove_prefix(std::min(piece_bytes, input.size()));
      kept.erase(0, session.on_input(kept, {}, out));
      NSQ_ASSERT(session.is_over() ||
                 kept.size() < kLimits.line_bytes + 4 + kLimits.identify_bytes);
    }
    if (!session.is_over()) session.on_end(kept, out);
    std::string shown;
    const auto dump = debug_answer(registry);
    while (!dump->write_slice({}, shown)) {
    }
  }
  for (const auto& peer : registry.peers()) NSQ_ASSERT(peer == nullptr);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  nsq::log::set_level(nsq::log::Level::Fatal);
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string whole = converse(input, std::max<std::size_t>(size, 1));
  NSQ_ASSERT(converse(input, 1) == whole);
  NSQ_ASSERT(converse(input, 7) == whole);
  return 0;
}
