// Steps that publish, alone or amid something else.

#include <fmt/format.h>

#include "simulation/world_waiter.h"

namespace nsq::simulation {
namespace {

using test::MemoryFileSystem;

}  // namespace

World::PublishPlan World::plan_publish() {
  PublishPlan plan;
  plan.topic = random_topic();
  for (std::size_t left = 1 + pick(3); left > 0; --left) {
    std::vector<std::string> bodies;
    std::vector<Number> numbers;
    for (std::size_t count = 1 + pick(chance(80) ? 3 : 40); count > 0; --count) {
      numbers.push_back(next_number_);
      bodies.push_back(
          fmt::format("{} {}", next_number_++, std::string(pick(chance(90) ? 50 : 6000), 'x')));
    }
    plan.batches.push_back(std::move(bodies));
    plan.numbers.push_back(std::move(numbers));
    plan.delays.push_back(chance(15) ? random_delay() : Duration::zero());
  }
  return plan;
}

void World::publish() {
  // At times another thread publishes while this one writes.
  bool once = false;
  if (chance(20)) {
    files_->set_observer([&](MemoryFileSystem::Call call, const std::string& path) {
      if (once || call != MemoryFileSystem::Call::Write || !path.ends_with(".log")) return;
      once = true;
      files_->set_observer(nullptr);
      publish_plan(plan_publish());
    });
  }
  publish_plan(plan_publish());
  write_handed_over();
  files_->set_observer(nullptr);
  see_published();
}

// Somebody publishes while another thread writes what it changes about a topic, if it does.
void World::publish_amid(const std::function<void()>& doing) {
  // In memory a publish is done at once, before the model knows of the change.
  const bool wanted = !draining_ && options_.durability != broker::Durability::Memory && chance(30);
  bool once = false;
  if (wanted) {
    files_->set_observer([&](MemoryFileSystem::Call call, const std::string& path) {
      if (call != MemoryFileSystem::Call::Write || !path.ends_with("journal")) return;
      if (std::exchange(once, true)) return;
      files_->set_observer(nullptr);
      publish_plan(plan_publish());
    });
  }
  doing();
  files_->set_observer(nullptr);
}

// What publishers have left to the storage threads, since the disk is slow.
void World::write_handed_over() {
  while (work_->run_one(static_cast<std::size_t>(storage::WorkQueue::Lane::Write))) {
  }
}

// Whatever was not refused by now is written, and so visible, though perhaps not yet synced.
void World::see_published() {
  write_handed_over();
  for (const auto& waiter : waiters_) {
    const bool refused = waiter->outcome && !*waiter->outcome;
    if (!refused && !waiter->visible) finish_publish(waiter->plan, false);
    if (refused) note_refused(waiter->plan);
    waiter->visible = true;
  }
  std::erase_if(waiters_, [](const auto& waiter) { return waiter->outcome.has_value(); });
}

void World::publish_plan(const PublishPlan& plan) {
  std::vector<std::vector<std::string_view>> views;
  std::vector<broker::Publication> publications;
  for (const auto& batch : plan.batches) views.emplace_back(batch.begin(), batch.end());
  for (std::size_t i = 0; i < views.size(); ++i) publications.push_back({views[i], plan.delays[i]});
  const bool synced = options_.durability == broker::Durability::Fsync;
  auto waiter = std::make_shared<Waiter>(plan, synced ? &promised_ : nullptr);
  const auto topic = broker_->topic(plan.topic, now_);
  model_.topics[plan.topic];
  const auto outcome = topic->publish(publications, now_, waiter);
  note(fmt::format("publish {} from {} -> {}", plan.topic, plan.numbers[0][0],
                   !outcome   ? "later"
                   : *outcome ? "ok"
                              : outcome->error().to_string()));
  if (outcome) {
    if (!*outcome) note_refused(plan);
    if (*outcome) {
      finish_publish(plan, false);
    } else if (!disk_bad_) {
      fail("publish failed on a good disk: " + outcome->error().to_string());
    }
    return;
  }
  waiters_.push_back(waiter);
}

// What could not be written may have been in part, and a power cut may undo that it was taken back.
void World::note_refused(const PublishPlan& plan) {
  for (const auto& numbers : plan.numbers) refused_.insert(numbers.begin(), numbers.end());
}

void World::finish_publish(const PublishPlan& plan, bool open) {
  ModelTopic& topic = model_.topics[plan.topic];
  for (std::size_t i = 0; i < plan.numbers.size(); ++i) {
    for (const Number number : plan.numbers[i]) topic.publish(number, plan.delays[i], open, now_);
  }
}

}  // namespace nsq::simulation
