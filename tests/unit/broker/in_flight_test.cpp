#include "broker/in_flight.h"

#include <map>
#include <random>

#include "storage/record.h"
#include "support/catch.h"

using namespace nsq;
using namespace std::chrono_literals;
using broker::InFlight;
using broker::InFlightMessage;

namespace {
InFlightMessage message(storage::Index index, Instant deadline,
                        broker::Subscription* holder = nullptr) {
  InFlightMessage made;
  made.index = index;
  made.id = protocol::MessageId{storage::native_id(7, index)};
  made.deadline = deadline;
  made.holder = holder;
  return made;
}
}  // namespace

TEST_CASE("messages in flight are found, postponed, expired and removed like in a plain map",
          "[broker]") {
  std::mt19937_64 random(GENERATE(1u, 2u, 3u));
  InFlight in_flight;
  std::map<storage::Index, Instant> model;
  storage::Index next = 1'000;
  Instant now{1h};
  const auto any = [&]() {
    return std::next(model.begin(), static_cast<std::ptrdiff_t>(random() % model.size()));
  };
  for (int step = 0; step < 30'000; ++step) {
    const auto what = random() % 10;
    if (what < 4) {
      // Mostly in a row, at times far ahead, at times one that came back.
      next += random() % 50 == 0 ? random() % 5'000 : 1;
      const Instant deadline = now + Duration(1 + random() % 200);
      in_flight.add(message(next, deadline));
      model[next] = deadline;
    } else if (what < 8 && !model.empty()) {
      const auto gone = random() % 2 == 0 ? model.begin() : any();
      const auto* found = in_flight.find(protocol::MessageId{storage::native_id(7, gone->first)});
      REQUIRE(found != nullptr);
      CHECK(found->deadline == gone->second);
      in_flight.remove(gone->first);
      model.erase(gone);
    } else if (what < 9 && !model.empty()) {
      const auto touched = any();
      touched->second = touched->second + Duration(random() % 100);
      in_flight.postpone(touched->first, touched->second);
    } else {
      now = now + Duration(random() % 20);
      std::vector<InFlightMessage> expired;
      in_flight.take_expired(now, expired);
      std::size_t due = 0;
      for (const auto& each : expired) {
        REQUIRE(model.contains(each.index));
        CHECK(model[each.index] <= now);
        model.erase(each.index);
        ++due;
      }
      for (const auto& [index, deadline] : model) REQUIRE(deadline > now);
      CHECK(due == expired.size());
    }
    REQUIRE(in_flight.count() == model.size());
    if (!model.empty() && step % 50 == 0) {
      auto soonest = Instant::never();
      for (const auto& [index, deadline] : model) soonest = std::min(soonest, deadline);
      REQUIRE(in_flight.next_deadline() <= soonest);
    }
  }
}

TEST_CASE("an id that does not end in its index is found as well", "[broker]") {
  InFlight in_flight;
  InFlightMessage imported = message(5, Instant{1h});
  imported.id = protocol::MessageId{0xabcdef};
  in_flight.add(imported);
  REQUIRE(in_flight.find({0xabcdef}) != nullptr);
  CHECK(in_flight.find({0xabcdef})->index == 5);
  CHECK(in_flight.find({storage::native_id(7, 5)}) == nullptr);
  in_flight.remove(5);
  CHECK(in_flight.find({0xabcdef}) == nullptr);
}

TEST_CASE("what one consumer holds can be taken from it", "[broker]") {
  InFlight in_flight;
  auto* const a = reinterpret_cast<broker::Subscription*>(8);  // never looked into
  auto* const b = reinterpret_cast<broker::Subscription*>(16);
  for (storage::Index index = 0; index < 100; ++index) {
    in_flight.add(message(index, Instant{1h}, index % 3 == 0 ? a : b));
  }
  std::vector<InFlightMessage> held;
  in_flight.take_held_by(a, held);
  CHECK(held.size() == 34);
  CHECK(in_flight.count() == 66);
}
