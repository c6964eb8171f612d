// Any message, as the filter of to-nsq sees it. What it rewrites is JSON again, and what is
// rewritten once is not changed by doing it twice.
#include <string>
#include <string_view>

#include "base/assert.h"
#include "utilities/json_filter.h"

using nsq::utilities::JsonFilter;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  std::string rewritten;
  JsonFilter requiring({.require_json_field = "k", .require_json_value = "5"});
  const auto verdict = requiring.apply(body, rewritten);
  NSQ_ASSERT(rewritten.empty());

  JsonFilter keeping({.whitelist_json_field = {"k", "a", "", "b\n"}});
  const auto kept = keeping.apply(body, rewritten);
  // Both read all of it.
  NSQ_ASSERT((verdict == JsonFilter::Verdict::NoJson) == (kept == JsonFilter::Verdict::NoJson));
  NSQ_ASSERT((kept == JsonFilter::Verdict::Pass) == !rewritten.empty());
  if (kept != JsonFilter::Verdict::Pass) return 0;

  std::string again;
  NSQ_ASSERT(keeping.apply(rewritten, again) == JsonFilter::Verdict::Pass);
  NSQ_ASSERT(again == rewritten);
  // The value required is there as before.
  std::string unused;
  NSQ_ASSERT(requiring.apply(rewritten, unused) == verdict);
  return 0;
}
