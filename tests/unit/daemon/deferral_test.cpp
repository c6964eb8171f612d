#include "daemon/deferral.h"

#include "support/catch.h"

namespace nsq::daemon {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

std::int64_t full_milliseconds(Timestamp time) {
  return (time - Timestamp{}) / milliseconds(1);
}

}  // namespace

TEST_CASE("a message that is not deferred does not wait", "[daemon]") {
  CHECK(deferral(Duration::zero(), Timestamp(1'234'567)) == Duration::zero());
}

TEST_CASE("who counts whole milliseconds never finds a deferred message early", "[daemon]") {
  for (const std::int64_t published : {0, 1, 999'999, 1'000'000, 1'500'000}) {
    for (const auto delay : {milliseconds(1), milliseconds(2000)}) {
      const Timestamp from(published);
      const Timestamp due = from + deferral(delay, from);
      CHECK(due - from > delay);
      CHECK(due - from <= delay + milliseconds(1));
      CHECK(full_milliseconds(due) - full_milliseconds(from) > delay / milliseconds(1));
    }
  }
}

TEST_CASE("messages deferred in the same millisecond come due together", "[daemon]") {
  const Timestamp first(5'000'100);
  const Timestamp later(5'000'900);
  CHECK(first + deferral(milliseconds(3), first) == later + deferral(milliseconds(3), later));
}

}  // namespace nsq::daemon
