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
  return {index, {holder, {}, deadline}, {}, 1};
}
protocol::MessageId id_of(storage::Index index) {
  return {storage::native_id(7, index)};
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
      in_flight.add(message(next, deadline), id_of(next));
      model[next] = deadline;
    } else if (what < 8 && !model.empty()) {
      const auto gone = random() % 2 == 0 ? model.begin() : any();
      const auto found = in_flight.find(id_of(gone->first));
      REQUIRE(found);
      CHECK(found->handover.deadline == gone->second);
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
  in_flight.add(message(5, Instant{1h}), {0xabcdef});
  REQUIRE(in_flight.find({0xabcdef}));
  CHECK(in_flight.find({0xabcdef})->index == 5);
  CHECK(!in_flight.find(id_of(5)));
  in_flight.remove(5);
  CHECK(!in_flight.find({0xabcdef}));
}

TEST_CASE("of two messages with one id the later one is found", "[broker]") {
  InFlight in_flight;
  in_flight.add(message(5, Instant{1h}), {0xabcdef});
  in_flight.add(message(6, Instant{1h}), {0xabcdef});
  CHECK(in_flight.find({0xabcdef})->index == 6);
  in_flight.remove(5);
  CHECK(in_flight.find({0xabcdef})->index == 6);
  in_flight.remove(6);
  CHECK(!in_flight.find({0xabcdef}));
  CHECK(in_flight.count() == 0);
}

TEST_CASE("what one consumer holds can be taken from it", "[broker]") {
  InFlight in_flight;
  auto* const a = reinterpret_cast<broker::Subscription*>(8);  // never looked into
  auto* const b = reinterpret_cast<broker::Subscription*>(16);
  for (storage::Index index = 0; index < 100; ++index) {
    in_flight.add(message(index, Instant{1h}, index % 3 == 0 ? a : b), id_of(index));
  }
  std::vector<InFlightMessage> held;
  in_flight.take_held_by(a, held);
  CHECK(held.size() == 34);
  CHECK(in_flight.count() == 66);
}

namespace {
// Rows of messages in flight with two holders, beside a map that says what must be so.
class Rows {
 public:
  explicit Rows(unsigned seed) : random_(seed) {}

  void add() {
    next_ += random_() % 8 == 0 ? random_() % 3'000 : 0;
    const std::size_t count = 1 + random_() % 60;
    const broker::Handover handover{holders_[random_() % 2], now_,
                                    now_ + Duration(1 + random_() % 200)};
    std::vector<broker::Delivery> row;
    for (std::size_t i = 0; i < count; ++i) {
      row.push_back({id_of(next_ + i), Timestamp(static_cast<std::int64_t>(next_ + i)), 1, "body"});
      model_[next_ + i] = handover;
    }
    in_flight_.add_row(next_, row, handover);
    next_ += count;
  }

  void take() {
    if (model_.empty()) return;
    const auto first =
        std::next(model_.begin(), static_cast<std::ptrdiff_t>(random_() % model_.size()))->first;
    broker::Subscription* const holder = holders_[random_() % 2];
    const std::size_t most = random_() % 90;
    std::size_t expected = 0;
    while (expected < most && model_.contains(first + expected) &&
           model_[first + expected].holder == holder) {
      ++expected;
    }
    storage::Index reported = first;
    const auto taken = in_flight_.take_row(
        id_of(first), holder, [&](std::size_t n) { return n < most; },
        [&](Timestamp published) {
          CHECK(published == Timestamp(static_cast<std::int64_t>(reported++)));
        });
    CHECK(taken == storage::IndexRange{first, first + expected});
    CHECK(reported == taken.end);
    for (auto index = taken.begin; index < taken.end; ++index) model_.erase(index);
  }

  void touch() {
    if (model_.empty()) return;
    const auto first =
        std::next(model_.begin(), static_cast<std::ptrdiff_t>(random_() % model_.size()))->first;
    const Instant deadline = now_ + Duration(1 + random_() % 300);
    for (auto index = first; model_.contains(index) && index < first + 5; ++index) {
      in_flight_.postpone(index, deadline);
      model_[index].deadline = deadline;
    }
  }

  void expire() {
    now_ = now_ + Duration(random_() % 30);
    std::vector<InFlightMessage> expired;
    in_flight_.take_expired(now_, expired);
    for (const auto& each : expired) {
      REQUIRE(model_.contains(each.index));
      CHECK(model_[each.index] == each.handover);
      CHECK(each.handover.deadline <= now_);
      model_.erase(each.index);
    }
    for (const auto& [index, handover] : model_) REQUIRE(handover.deadline > now_);
  }

  void check() const {
    REQUIRE(in_flight_.count() == model_.size());
    for (const auto& [index, handover] : model_) {
      const auto found = in_flight_.find(id_of(index));
      REQUIRE(found);
      REQUIRE(found->handover == handover);
      REQUIRE(in_flight_.next_deadline() <= handover.deadline);
    }
  }

 private:
  std::mt19937_64 random_;
  InFlight in_flight_;
  std::map<storage::Index, broker::Handover> model_;
  storage::Index next_ = 1'000;
  Instant now_{1h};
  broker::Subscription* const holders_[2] = {reinterpret_cast<broker::Subscription*>(8),
                                             reinterpret_cast<broker::Subscription*>(16)};
};
}  // namespace

TEST_CASE("rows of messages are handed out, finished, touched and expired like in a plain map",
          "[broker]") {
  Rows rows(GENERATE(1u, 2u, 3u));
  for (int step = 0; step < 5'000; ++step) {
    switch (step % 7) {
      case 0:
      case 3:
        rows.add();
        break;
      case 1:
      case 4:
      case 5:
        rows.take();
        break;
      case 2:
        rows.touch();
        break;
      default:
        rows.expire();
    }
    if (step % 20 == 0) rows.check();
  }
}
