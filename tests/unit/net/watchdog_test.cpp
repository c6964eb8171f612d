#include "net/watchdog.h"

#include <asio/io_context.hpp>

#include "support/catch.h"

using namespace std::chrono_literals;
using nsq::Instant;
using nsq::net::Watchdog;

TEST_CASE("a deadline that passes calls back once", "[net]") {
  asio::io_context loop;
  int calls = 0;
  Watchdog watchdog(loop.get_executor(), [&] { ++calls; });
  watchdog.expect_by(Instant::now() + 1ms);
  loop.run();
  CHECK(calls == 1);
}

TEST_CASE("a deadline that was moved calls back at the later time", "[net]") {
  asio::io_context loop;
  Instant called;
  Watchdog watchdog(loop.get_executor(), [&] { called = Instant::now(); });
  const Instant start = Instant::now();
  watchdog.expect_by(start + 1ms);
  watchdog.expect_by(start + 20ms);
  loop.run();
  CHECK(called - start >= 20ms);
}

TEST_CASE("a deadline may be moved forward", "[net]") {
  asio::io_context loop;
  Instant called;
  Watchdog watchdog(loop.get_executor(), [&] { called = Instant::now(); });
  const Instant start = Instant::now();
  watchdog.expect_by(start + 60s);
  watchdog.expect_by(start + 1ms);
  loop.run();
  CHECK(called - start < 30s);
}

TEST_CASE("a watchdog at rest, or gone, never calls", "[net]") {
  asio::io_context loop;
  int calls = 0;
  Watchdog resting(loop.get_executor(), [&] { ++calls; });
  resting.expect_by(Instant::now() + 1ms);
  resting.rest();
  {
    Watchdog gone(loop.get_executor(), [&] { ++calls; });
    gone.expect_by(Instant::now());
  }
  loop.run();
  CHECK(calls == 0);
}

TEST_CASE("the callback may end its own watchdog", "[net]") {
  asio::io_context loop;
  std::unique_ptr<Watchdog> watchdog;
  watchdog = std::make_unique<Watchdog>(loop.get_executor(), [&] { watchdog.reset(); });
  watchdog->expect_by(Instant::now());
  loop.run();
  CHECK(watchdog == nullptr);
}
