// Comparing engine and model, and letting both come to rest.

#include <fmt/format.h>

#include <algorithm>

#include "simulation/world_waiter.h"

namespace nsq::simulation {
namespace {

using State = ModelMessage::State;

}  // namespace

void World::drop_closed_clients() {
  std::erase_if(clients_, [this](const auto& client) {
    if (!client->consumer->closed) return false;
    broker_->unsubscribe(client->subscription, now_);
    return true;
  });
}

void World::check() {
  for (const auto& stats : broker_->stats({}, now_)) {
    const auto topic = model_.topics.find(stats.name);
    if (topic == model_.topics.end())
      fail("the engine knows a topic " + stats.name + " nobody made");
    if (exact_ && stats.depth != topic->second.held.size()) {
      fail(fmt::format("depth of topic {} is {} instead of {}", stats.name, stats.depth,
                       topic->second.held.size()));
    }
    for (const auto& channel_stats : stats.channels) {
      const auto channel = topic->second.channels.find(channel_stats.name);
      if (channel == topic->second.channels.end()) {
        fail(fmt::format("the engine knows a channel {}:{} nobody made", stats.name,
                         channel_stats.name));
      }
      if (channel_stats.lost_count > 0 && options_.durability != broker::Durability::Memory) {
        fail(fmt::format("{}:{} lost {} messages", stats.name, channel_stats.name,
                         channel_stats.lost_count));
      }
      check_channel(channel_stats, channel->second, stats.name + ":" + channel_stats.name);
    }
  }
}

void World::check_channel(const broker::ChannelStats& stats, const ModelChannel& model,
                          const std::string& name) {
  const std::uint64_t waiting = model.count(State::Waiting);
  const std::uint64_t deferred = model.count(State::Deferred);
  const std::uint64_t in_flight = model.count(State::InFlight);
  const std::uint64_t open = model.count(State::Open) + (power_lost_ ? refused_.size() : 0);
  if (stats.in_flight_count != in_flight) {
    fail(fmt::format("{} has {} in flight instead of {}", name, stats.in_flight_count, in_flight));
  }
  if (model.ephemeral) return;  // may have dropped some
  if (exact_ && (stats.depth != waiting || stats.deferred_count != deferred)) {
    fail(fmt::format("{} has depth {} and {} deferred instead of {} and {}", name, stats.depth,
                     stats.deferred_count, waiting, deferred));
  }
  // In memory mode a crash takes messages that are counted until somebody asks for them.
  if (!exact_ && options_.durability == broker::Durability::Memory) return;
  const std::uint64_t all = stats.depth + stats.deferred_count;
  if (all < waiting + deferred || all > waiting + deferred + open) {
    fail(fmt::format("{} has {} messages instead of {} to {}", name, all, waiting + deferred,
                     waiting + deferred + open));
  }
}

// Everybody who was called comes, until nobody is called any more; then no message may wait while
// somebody could take it.
void World::pull_all() {
  for (int round = 0;; ++round) {
    work_->run_all();
    bool any = false;
    for (const auto& client : clients_) {
      if (client->consumer->calls == 0 || client->consumer->closed) continue;
      any = true;
      pull(*client);
    }
    if (!any) break;
    if (round > 100'000) fail("consumers are called without end");
  }
  if (disk_bad_) return;
  for (const auto& client : clients_) {
    const ModelTopic& topic = model_.topics[client->topic];
    const auto channel = topic.channels.find(client->channel);
    if (channel == topic.channels.end() || channel->second.paused) continue;
    const auto stats = client->subscription->channel().stats(true, now_);
    for (const auto& other : stats.clients) {
      if (other.consumer.get() != client->consumer.get()) continue;
      if (stats.depth > 0 && other.in_flight_count < other.ready_count) {
        fail(fmt::format("client {} could take messages of {}:{}, {} wait, and nobody called it",
                         client->number, client->topic, client->channel, stats.depth));
      }
    }
  }
}

void World::settle(bool was_bad) {
  pull_all();
  for (int i = 0; i < 3; ++i) {
    pass_time(std::chrono::nanoseconds(1));
    // After a failure the journal is tried again a second later.
    const Duration step = was_bad ? Duration(std::chrono::seconds(2)) : options_.journal_interval;
    now_ = {now_.steady + step, now_.wall + step};
    broker_->advance(now_);
    model_.advance(now_.steady, [](const auto&, const auto&, Number, int) {});
    work_->run_all();
  }
  for (const auto& waiter : waiters_) {
    if (!waiter->outcome && !disk_bad_) fail("a publish was never answered");
  }
  std::erase_if(waiters_, [](const auto& waiter) { return waiter->outcome.has_value(); });
  if (!disk_bad_) model_.settle();
  drop_closed_clients();
  pull_all();
  check();
}

// After the time a background sync may take to come, with a disk that works, everything lasts.
void World::settle_on_disk() {
  if (disk_bad_) return;
  settle();
  pass_time_by(options_.sync_timeout);
  work_->run_all();
  note_all_on_disk();
}

void World::note_all_on_disk() {
  for (const auto& [name, topic] : model_.topics) {
    for (const auto& [number, held] : topic.held) {
      if (!held.open) promised_.insert(number);
    }
    for (const auto& [channel_name, channel] : topic.channels) {
      for (const auto& [number, message] : channel.messages) {
        if (message.state != State::Open) promised_.insert(number);
      }
    }
  }
  model_.last();
  note("all is on the disk");
}

void World::drain() {
  draining_ = true;
  files_->set_capacity(std::nullopt);
  disk_bad_ = false;
  now_ = {now_.steady + std::chrono::seconds(10), now_.wall + std::chrono::seconds(10)};
  broker_->advance(now_);
  model_.advance(now_.steady, [](const auto&, const auto&, Number, int) {});
  while (!clients_.empty()) unsubscribe();
  for (auto& [name, topic] : model_.topics) {
    if (topic.channels.empty() && !topic.held.empty()) {
      if (!broker_->topic(name, now_)->channel("a", now_)) fail("no channel");
      topic.add_channel("a", now_);
    }
    topic.paused = false;
    run_broker_call([&](broker::Broker::Done done) {
      broker_->pause_topic(name, false, now_, std::move(done));
    });
    topic.route(now_);
    for (auto& [channel_name, channel] : topic.channels) {
      channel.paused = false;
      run_broker_call([&](broker::Broker::Done done) {
        broker_->pause_channel(name, channel_name, false, now_, std::move(done));
      });
    }
  }
  for (auto& [name, topic] : model_.topics) {
    std::vector<std::string> channels;
    for (auto& [channel_name, channel] : topic.channels) {
      if (!channel.ephemeral) channels.push_back(channel_name);
    }
    for (const std::string& channel_name : channels) {
      clients_.push_back(std::make_unique<Client>());
      Client& client = *clients_.back();
      client.number = next_client_++;
      client.topic = name;
      client.channel = channel_name;
      client.consumer = std::make_shared<Consumer>();
      client.msg_timeout = std::chrono::hours(1);
      auto subscribed = broker_->subscribe(name, channel_name, client.consumer,
                                           {.msg_timeout = client.msg_timeout}, now_);
      if (!subscribed) fail("subscribe: " + subscribed.error().to_string());
      client.subscription = *subscribed;
      client.subscription->channel().set_ready_count(*client.subscription, 1'000'000);
      pull(client);
    }
  }
  pull_all();
  // Deferrals still to come.
  now_ = {now_.steady + std::chrono::seconds(10), now_.wall + std::chrono::seconds(10)};
  broker_->advance(now_);
  model_.advance(now_.steady, [](const auto&, const auto&, Number, int) {});
  pull_all();
  for (const auto& [name, topic] : model_.topics) {
    for (const auto& [channel_name, channel] : topic.channels) {
      if (channel.ephemeral) continue;
      for (const auto& [number, message] : channel.messages) {
        if (message.state == State::Waiting || message.state == State::Deferred) {
          fail(fmt::format("message {} was never delivered on {}:{}", number, name, channel_name));
        }
      }
    }
  }
  check();
}

}  // namespace nsq::simulation
