// Ends and beginnings: clean stops, kills and power cuts at any moment, and what is found after
// them.

#include <fmt/format.h>

#include <algorithm>

#include "simulation/world_waiter.h"

namespace nsq::simulation {
namespace {

using State = ModelMessage::State;
using test::MemoryFileSystem;

}  // namespace

void World::forget_clients() {
  for (auto& [name, topic] : model_.topics) {
    for (auto& [channel_name, channel] : topic.channels) {
      for (auto& [number, message] : channel.messages) {
        if (message.state == State::InFlight) message.state = State::Waiting;
      }
    }
  }
  part_clients();
}

// A channel and its subscriptions hold each other until they part: with them the engine of an end
// that came without warning would stay in memory.
void World::part_clients() {
  if (broker_) {
    for (const auto& client : clients_) broker_->unsubscribe(client->subscription, now_);
  }
  clients_.clear();
}

void World::restart_cleanly() {
  if (disk_bad_) return;
  note("clean restart");
  while (!clients_.empty()) unsubscribe();
  // What waits for a sync gets it: the daemon serves its storage threads until they are idle.
  work_->run_all();
  waiters_.clear();
  if (const auto stopped = broker_->shut_down(now_); !stopped)
    fail("shut down: " + stopped.error().to_string());
  work_->run_all();
  const Duration away = std::chrono::milliseconds(1 + pick(3000));
  now_ = {now_.steady + away, now_.wall + away};
  // What was deferred and is due by now is simply waiting.
  model_.advance(now_.steady, [](const auto&, const auto&, Number, int) {});
  model_.settle();
  for (auto& [name, topic] : model_.topics) {
    topic.remove_ephemeral_channels();
    topic.lapsed.clear();
  }
  note_all_on_disk();
  auto files = files_->after_kill();
  broker_.reset();
  start(std::move(files));
}

// The process or the power ends at any of the calls to the disk that something makes. Of what was
// being done, all or nothing or some may be found.
void World::end_amid() {
  if (disk_bad_) return;
  const bool of_power = options_.durability != broker::Durability::Memory && chance(50);
  const auto promised = promised_;
  const Number first = next_number_;
  std::size_t calls_before = pick(12);
  std::unique_ptr<MemoryFileSystem> found;
  files_->set_observer([&](MemoryFileSystem::Call call, const std::string& path) {
    using Call = MemoryFileSystem::Call;
    const bool changes = call != Call::Open && call != Call::Read && call != Call::Size;
    if (found || !changes || calls_before-- > 0) return;
    note("the end, before a call for " + path);
    found = of_power ? files_->after_power_loss(random_()) : files_->after_kill();
  });
  if (chance(50)) {
    publish_plan(plan_publish());
    see_published();
  } else {
    for (std::size_t count = 1 + pick(4); count > 0; --count) work();
  }
  files_->set_observer(nullptr);
  if (!found) return;
  promised_ = promised;  // who was told of more only dreamt it
  for (auto& [name, topic] : model_.topics) {
    for (auto& [number, held] : topic.held) held.open = held.open || number >= first;
    for (auto& [channel_name, channel] : topic.channels) {
      for (auto& [number, message] : channel.messages) {
        if (number >= first) message.state = State::Open;
      }
    }
  }
  of_power ? lose_power(std::move(found)) : crash(std::move(found));
}

// Without warning; some time passes until another one starts.
void World::end_process() {
  forget_clients();
  waiters_.clear();
  work_->forget_all();
  broker_.reset();
  const Duration away = std::chrono::milliseconds(1 + pick(3000));
  now_ = {now_.steady + away, now_.wall + away};
}

void World::crash(std::unique_ptr<MemoryFileSystem> files) {
  note("crash");
  end_process();
  model_.crash(now_);
  model_.advance(now_.steady, [](const auto&, const auto&, Number, int) {});
  exact_ = false;
  if (options_.durability == broker::Durability::Memory) {
    // Memory only: anything may be gone.
    for (auto& [name, topic] : model_.topics) {
      for (auto& [number, held] : topic.held) held.open = true;
      for (auto& [channel_name, channel] : topic.channels) {
        for (auto& [number, message] : channel.messages) {
          if (message.state != State::Finished) message.state = State::Open;
        }
      }
    }
  }
  start(std::move(files));
  adopt_topics();
}

void World::lose_power(std::unique_ptr<MemoryFileSystem> files) {
  if (options_.durability == broker::Durability::Memory) return;
  note("power loss");
  power_lost_ = true;
  end_process();
  for (auto& [name, topic] : model_.topics) {
    // That messages went to channels which do not last may not last either.
    const bool fleeting = std::all_of(topic.channels.begin(), topic.channels.end(),
                                      [](const auto& each) { return each.second.ephemeral; });
    for (auto& [channel_name, channel] : topic.channels) {
      if (!fleeting) break;
      for (const auto& [number, message] : channel.messages) topic.held[number].open = true;
    }
    if (fleeting) {
      for (const Number number : topic.lapsed) topic.held[number].open = true;
    }
  }
  model_.crash(now_);
  model_.advance(now_.steady, [](const auto&, const auto&, Number, int) {});
  for (auto& [name, topic] : model_.topics) {
    for (auto& [number, held] : topic.held) held.open = held.open || !promised_.contains(number);
    for (auto& [channel_name, channel] : topic.channels) {
      for (auto& [number, message] : channel.messages) {
        // The journal is synced now and then only: what was finished may come again, and a delay
        // given by a requeue may be forgotten.
        const bool finished = message.state == State::Finished;
        if (finished ? !message.lasting : !promised_.contains(number)) message.state = State::Open;
      }
    }
  }
  exact_ = false;
  start(std::move(files));
  adopt_topics();
}

// After a crash the engine may know of things in another state than the model, where both are
// right.
void World::adopt_topics() {
  for (const auto& stats : broker_->stats({}, now_)) {
    ModelTopic& topic = model_.topics[stats.name];
    topic.paused = stats.paused;
    for (const auto& channel_stats : stats.channels) {
      if (!topic.channels.contains(channel_stats.name)) topic.add_channel(channel_stats.name, now_);
      topic.channels[channel_stats.name].paused = channel_stats.paused;
    }
    std::erase_if(topic.channels, [&](const auto& entry) {
      const bool there = std::any_of(stats.channels.begin(), stats.channels.end(),
                                     [&](const auto& each) { return each.name == entry.first; });
      if (there) return false;
      const bool owed = std::any_of(
          entry.second.messages.begin(), entry.second.messages.end(), [](const auto& each) {
            return each.second.state != State::Open && each.second.state != State::Finished;
          });
      if (owed || entry.second.settled) fail("channel " + entry.first + " is gone after a crash");
      return true;
    });
    topic.route(now_);
  }
  std::erase_if(model_.topics, [&](const auto& entry) {
    if (broker_->find_topic(entry.first)) return false;
    for (const auto& [number, held] : entry.second.held) {
      if (!held.open) fail(fmt::format("topic {} is gone after a crash", entry.first));
    }
    if (!entry.second.channels.empty())
      fail(fmt::format("topic {} is gone after a crash", entry.first));
    return true;
  });
}

}  // namespace nsq::simulation
