// Any body of IDENTIFY, and the texts quoted in errors.
#include <string_view>

#include "base/assert.h"
#include "protocol/identify.h"
#include "protocol/json_text.h"
#include "protocol/quote.h"

using namespace nsq::protocol;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const std::string valid = with_valid_unicode(body);
  NSQ_ASSERT(with_valid_unicode(valid) == valid);
  NSQ_ASSERT(quote(body).size() >= size + 2);
  const auto request = parse_identify(body);
  NSQ_ASSERT(parse_identify(valid) == request);
  if (!request) return 0;
  IdentifySettings settings;
  if (apply_identify(*request, {}, settings)) return 0;
  NSQ_ASSERT(settings.sample_rate >= 0 && settings.sample_rate <= 99);
  NSQ_ASSERT(settings.msg_timeout >= std::chrono::seconds(1));
  return 0;
}
