#pragma once

#include <optional>
#include <set>
#include <utility>

#include "simulation/world.h"

namespace nsq::simulation {

// A publish the engine has not answered yet.
struct World::Waiter final : broker::PublishWaiter {
  // `kept`: where to note what will survive a power cut; null if an OK does not promise that.
  explicit Waiter(PublishPlan what, std::set<Number>* kept)
      : plan(std::move(what)), promised(kept) {}
  void on_published(std::uint64_t, const Result<void>& result) override {
    outcome = result;
    if (!result || promised == nullptr) return;
    for (const auto& numbers : plan.numbers) promised->insert(numbers.begin(), numbers.end());
  }
  PublishPlan plan;
  std::set<Number>* promised;
  bool visible = false;  // the model knows
  std::optional<Result<void>> outcome;
};

}  // namespace nsq::simulation
