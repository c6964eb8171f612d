#include "net/signals.h"

#include <chrono>
#include <csignal>

#include "support/catch.h"

using namespace std::chrono_literals;
using nsq::net::Signals;

namespace {

// Sends this process a signal and runs the loop until `count` has gone up.
void deliver(asio::io_context& loop, int signal, const int& count) {
  const int before = count;
  std::raise(signal);
  for (int turn = 0; turn < 10 && count == before; ++turn) loop.run_one_for(1s);
}

}  // namespace

TEST_CASE("the first request to stop calls back", "[net]") {
  asio::io_context loop;
  int stops = 0;
  Signals signals(loop, [&] { ++stops; });
  deliver(loop, SIGTERM, stops);
  CHECK(stops == 1);
}

TEST_CASE("a hang-up has its own callback, as often as it comes", "[net]") {
  asio::io_context loop;
  int stops = 0;
  int hangups = 0;
  Signals signals(
      loop, [&] { ++stops; }, [&] { ++hangups; });
  deliver(loop, SIGHUP, hangups);
  deliver(loop, SIGHUP, hangups);
  CHECK(hangups == 2);
  CHECK(stops == 0);
}

TEST_CASE("a hang-up without a callback stops", "[net]") {
  asio::io_context loop;
  int stops = 0;
  Signals signals(loop, [&] { ++stops; });
  deliver(loop, SIGHUP, stops);
  CHECK(stops == 1);
}

TEST_CASE("a first request to terminate may drain, the next signal stops", "[net]") {
  asio::io_context loop;
  int stops = 0;
  int drains = 0;
  Signals signals(
      loop, [&] { ++stops; }, nullptr, [&] { ++drains; });
  deliver(loop, SIGTERM, drains);
  CHECK(stops == 0);
  deliver(loop, SIGTERM, stops);
  CHECK(drains == 1);
  CHECK(stops == 1);
}

TEST_CASE("an interruption stops at once even where termination drains", "[net]") {
  asio::io_context loop;
  int stops = 0;
  int drains = 0;
  Signals signals(
      loop, [&] { ++stops; }, nullptr, [&] { ++drains; });
  deliver(loop, SIGINT, stops);
  CHECK(stops == 1);
  CHECK(drains == 0);
}
