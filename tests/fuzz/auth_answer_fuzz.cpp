// Any answer of an auth server, its patterns matched with a name.
#include <string>
#include <string_view>

#include "base/assert.h"
#include "daemon/auth_client.h"
#include "daemon/auth_grants.h"

using namespace nsq::daemon;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const std::string address = secure_auth_address("http://host:1/auth", body);
  NSQ_ASSERT(address.empty() || address.starts_with("https://host:"));
  AuthPatterns patterns;
  const auto grants = parse_auth_answer(body, patterns);
  if (!grants) return 0;
  NSQ_ASSERT(grants->ttl >= std::chrono::seconds(1));
  NSQ_ASSERT(!grants->authorizations.empty() ||
             !grants->allows(Permission::Publish, "aaaaaaaaaaaaaaaaaaaaaaaa", ""));
  static_cast<void>(grants->allows(Permission::Subscribe, "aaaaaaaaaaaaaaaaaaaaaaaa!", "b.c"));
  return 0;
}
