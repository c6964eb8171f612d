// Any text a daemon or a lookupd may answer a client with.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "client/identity.h"
#include "client/lookup.h"
#include "nsq/config.h"

using namespace nsq;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto reply = client::parse_identify_reply(text)) {
    NSQ_ASSERT(reply->max_rdy_count > 0);
  }
  (void)client::parse_auth_reply(text);
  if (const auto addresses = client::parse_lookup_answer(text)) {
    NSQ_ASSERT(addresses->size() <= client::kMaxProducers);
    for (const std::string& address : *addresses) {
      NSQ_ASSERT(address.find(':') != std::string::npos);
    }
  }
  (void)client::lookup_url(text, "t#ephemeral");
  // An option and its value.
  const std::size_t equals = text.find('=');
  if (equals != std::string_view::npos) {
    Config config;
    (void)config.set(text.substr(0, equals), text.substr(equals + 1));
    (void)config.validate();
  }
  return 0;
}
