#include "utilities/token_bucket.h"

#include "support/catch.h"

using namespace nsq;
using namespace std::chrono_literals;
using nsq::utilities::TokenBucket;

TEST_CASE("a bucket starts with one token and gets another every interval", "[utilities]") {
  const Instant start(1000s);
  TokenBucket bucket(10, start);
  CHECK(bucket.take(5, start) == 1);
  CHECK(bucket.take(5, start) == 0);
  CHECK(bucket.next_token() == start + 100ms);
  CHECK(bucket.take(5, start + 99ms) == 0);
  CHECK(bucket.take(5, start + 100ms) == 1);
  CHECK(bucket.take(5, start + 350ms) == 2);
  CHECK(bucket.next_token() == start + 400ms);
}

TEST_CASE("a bucket saves up one second's worth and no more", "[utilities]") {
  const Instant start(1000s);
  TokenBucket bucket(10, start);
  CHECK(bucket.take(100, start + 1h) == 10);
  CHECK(bucket.take(100, start + 1h) == 0);
}
