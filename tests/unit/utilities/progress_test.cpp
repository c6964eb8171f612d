#include "utilities/progress.h"

#include "support/catch.h"

using namespace nsq::utilities;
using namespace std::chrono_literals;

TEST_CASE("progress is told in numbers one can read", "[utilities]") {
  CHECK(progress_text({.messages = 1'234'567,
                       .bytes = 240'123'456,
                       .total_bytes = 533'000'000,
                       .elapsed = 4s}) == "1,234,567 messages, 240.1 MB, 308,641/s, 45%");
  CHECK(progress_text({.messages = 999, .bytes = 999}) == "999 messages, 999 bytes");
  CHECK(progress_text({.messages = 1000, .bytes = 1000, .elapsed = 500ms}) ==
        "1,000 messages, 1.0 kB, 2,000/s");
  CHECK(progress_text({.bytes = 999'949}) == "0 messages, 999.9 kB");
  CHECK(progress_text({.bytes = 999'950}) == "0 messages, 1.0 MB");
  CHECK(progress_text({.bytes = UINT64_MAX}) == "0 messages, 18446744.1 TB");
}

TEST_CASE("a file that grows or is empty has no impossible percentage", "[utilities]") {
  CHECK(progress_text({.bytes = 20, .total_bytes = 10}) == "0 messages, 20 bytes, 100%");
  CHECK(progress_text({.bytes = 0, .total_bytes = 0}) == "0 messages, 0 bytes");
}
