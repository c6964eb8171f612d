#include "client/backoff.h"

#include <vector>

#include "support/catch.h"

using namespace nsq;
using namespace nsq::client;
using namespace std::chrono_literals;
using Event = Backoff::Event;
using Action = Backoff::Action;

namespace {

Backoff backoff(Config config = {}, double random = 0.5) {
  return Backoff(config, [random] { return random; });
}

// Fails the test of every wait, `times` times; returns the waits.
std::vector<Duration> failures(Backoff& subject, int times) {
  std::vector<Duration> waits;
  for (int i = 0; i < times; ++i) {
    REQUIRE(subject.on(Event::Failure) == Action::Wait);
    waits.push_back(subject.wait());
    subject.waited();
  }
  return waits;
}

}  // namespace

TEST_CASE("waits double with every failure, up to the highest level that fits", "[client]") {
  Backoff subject = backoff();
  CHECK(failures(subject, 8) == std::vector<Duration>{2s, 4s, 8s, 16s, 32s, 64s, 64s, 64s});
  CHECK(subject.level() == 6);
}

TEST_CASE("a burst of failures counts once", "[client]") {
  Backoff subject = backoff();
  CHECK(subject.on(Event::Failure) == Action::Wait);
  CHECK(subject.on(Event::Failure) == Action::None);
  CHECK(subject.on(Event::Success) == Action::None);
  CHECK(subject.level() == 1);
}

TEST_CASE("successes lead back level by level, each after a wait", "[client]") {
  Backoff subject = backoff();
  failures(subject, 3);
  CHECK(subject.on(Event::Success) == Action::Wait);
  CHECK(subject.wait() == 4s);
  subject.waited();
  CHECK(subject.on(Event::Success) == Action::Wait);
  CHECK(subject.wait() == 2s);
  subject.waited();
  CHECK(subject.on(Event::Success) == Action::Resume);
  CHECK(subject.is_normal());
  CHECK(subject.on(Event::Success) == Action::None);
}

TEST_CASE("a neutral answer repeats the wait and begins none", "[client]") {
  Backoff subject = backoff();
  CHECK(subject.on(Event::Neutral) == Action::None);
  failures(subject, 2);
  CHECK(subject.on(Event::Neutral) == Action::Wait);
  CHECK(subject.wait() == 4s);
  CHECK(subject.level() == 2);
}

TEST_CASE("a maximum of 0 switches backoff off", "[client]") {
  Config config;
  config.max_backoff_duration = 0s;
  Backoff subject = backoff(config);
  CHECK(subject.on(Event::Failure) == Action::None);
  CHECK(subject.is_normal());
}

TEST_CASE("full jitter waits a random part of the exponential time", "[client]") {
  Config config;
  config.backoff_strategy = BackoffStrategy::FullJitter;
  Backoff subject = backoff(config, 0.25);
  CHECK(failures(subject, 3) == std::vector<Duration>{500ms, 1s, 2s});
}

TEST_CASE("a multiplier of 0 waits for nothing and stops at some level", "[client]") {
  Config config;
  config.backoff_multiplier = 0s;
  Backoff subject = backoff(config);
  for (const Duration wait : failures(subject, 100)) CHECK(wait == 0s);
  CHECK(subject.level() <= 60);
}
