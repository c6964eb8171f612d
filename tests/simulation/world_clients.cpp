// Steps of consumers: they come and go, take messages and answer for them.

#include <fmt/format.h>

#include <algorithm>

#include "simulation/world.h"

namespace nsq::simulation {
namespace {

using State = ModelMessage::State;

Number number_of(std::string_view body) {
  Number number = 0;
  for (const char c : body.substr(0, body.find(' ')))
    number = number * 10 + static_cast<Number>(c - '0');
  return number;
}

}  // namespace

void World::subscribe() {
  // What is made while the disk is full lasts no longer than the process; the model knows no such
  // half-things.
  if (clients_.size() >= 6 || disk_bad_) return;
  auto client = std::make_unique<Client>();
  client->number = next_client_++;
  client->topic = random_topic();
  client->channel = random_channel();
  client->consumer = std::make_shared<Consumer>();
  client->msg_timeout = std::chrono::milliseconds(20 + static_cast<int>(pick(3000)));
  const auto locality = static_cast<broker::Locality>(pick(broker::kLocalityCount));
  Result<std::shared_ptr<broker::Subscription>> subscribed{std::shared_ptr<broker::Subscription>()};
  publish_amid([&] {
    subscribed = broker_->subscribe(client->topic, client->channel, client->consumer,
                                    {client->msg_timeout, 0, locality, locality}, now_);
  });
  if (!subscribed) fail("subscribe: " + subscribed.error().to_string());
  note(
      fmt::format("client {} subscribes to {}:{}", client->number, client->topic, client->channel));
  client->subscription = *subscribed;
  ModelTopic& topic = model_.topics[client->topic];
  if (!topic.channels.contains(client->channel)) {
    topic.add_channel(client->channel, now_);
    see_published();
    // A subscription is no promise about power cuts, so that the model waits for the channel to
    // last.
    if (options_.durability != broker::Durability::Memory) work_->run_all();
  }
  clients_.push_back(std::move(client));
}

void World::unsubscribe() {
  if (clients_.empty()) return;
  const std::size_t which = pick(clients_.size());
  Client& client = *clients_[which];
  note(fmt::format("client {} leaves", client.number));
  broker_->unsubscribe(client.subscription, now_);
  ModelTopic& topic = model_.topics[client.topic];
  ModelChannel& channel = topic.channels[client.channel];
  for (auto& [number, message] : channel.messages) {
    if (message.state == State::InFlight && message.holder == client.number)
      message.state = State::Waiting;
  }
  const bool last = std::none_of(clients_.begin(), clients_.end(), [&](const auto& other) {
    return other->number != client.number && other->topic == client.topic &&
           other->channel == client.channel;
  });
  if (last && channel.ephemeral) topic.remove_channel(client.channel);
  clients_.erase(clients_.begin() + static_cast<std::ptrdiff_t>(which));
}

void World::set_ready() {
  Client* client = random_client();
  if (client == nullptr) return;
  client->ready_count = static_cast<std::int64_t>(pick(chance(50) ? 4 : 60));
  client->subscription->channel().set_ready_count(*client->subscription, client->ready_count);
  note(fmt::format("client {} RDY {}", client->number, client->ready_count));
  pull(*client);
}

void World::pull(Client& client) {
  client.consumer->calls = std::max(0, client.consumer->calls - 1);
  broker::Deliveries deliveries;
  const broker::PullLimit limit{chance(5) ? 0 : 1 + pick(chance(50) ? 3 : 100),
                                chance(10) ? 10u : 100'000u};
  const std::uint64_t waiting_before = client.subscription->channel().depth();
  client.subscription->channel().pull(*client.subscription, now_, limit, deliveries);
  if (!deliveries.messages.empty()) {
    note(fmt::format("client {} gets {} of {}", client.number, deliveries.messages.size(),
                     waiting_before));
  }
  for (const auto& delivery : deliveries.messages) delivered(client, delivery);
  // One that was told to come and was turned away has to come again.
  if (limit.messages == 0) {
    broker::Deliveries more;
    client.subscription->channel().pull(*client.subscription, now_, {1, 100'000}, more);
    for (const auto& delivery : more.messages) delivered(client, delivery);
  }
}

void World::delivered(Client& client, const broker::Delivery& delivery) {
  const Number number = number_of(delivery.body);
  auto& ids = ids_[client.topic];
  const auto [known, fresh] = ids.emplace(delivery.id.value, number);
  if (!fresh && known->second != number) {
    fail(fmt::format("messages {} and {} share an id", known->second, number));
  }
  ModelTopic& topic = model_.topics[client.topic];
  ModelChannel& channel = topic.channels[client.channel];
  auto found = channel.messages.find(number);
  const std::string where =
      fmt::format("message {} on {}:{}", number, client.topic, client.channel);
  if (found == channel.messages.end() && power_lost_ && refused_.contains(number)) {
    found = channel.messages.emplace(number, ModelMessage{}).first;
    found->second.state = State::Open;
  }
  if (found == channel.messages.end()) fail(where + " was delivered though never published there");
  ModelMessage& message = found->second;
  if (channel.paused) fail(where + " was delivered on a paused channel");
  if (message.state == State::Finished) fail(where + " came back although finished");
  if (message.state == State::InFlight) fail(where + " was delivered while in flight");
  if (message.state == State::Deferred && (message.attempts_known || message.attempts == 0)) {
    fail(where + " was delivered before its time");
  }
  if (message.attempts_known && delivery.attempts != message.attempts + 1) {
    fail(fmt::format("{} says {} attempts instead of {}", where, delivery.attempts,
                     message.attempts + 1));
  }
  message.state = State::InFlight;
  message.attempts = delivery.attempts;
  message.attempts_known = true;
  message.holder = client.number;
  message.deadline = now_.steady + client.msg_timeout;
  client.held.push_back({delivery.id, number});
}

ModelMessage& World::model_message(const Client& client, Number number) {
  return model_.topics[client.topic].channels[client.channel].messages[number];
}

void World::answer() {
  Client* client = random_client();
  if (client == nullptr) return;
  std::vector<broker::Answer> answers;
  std::vector<Number> numbers;
  for (std::size_t count = 1 + pick(10); count > 0 && !client->held.empty(); --count) {
    const std::size_t which = chance(70) ? 0 : pick(client->held.size());
    const Held held = client->held[which];
    const auto kind = chance(70)   ? broker::Answer::Kind::Finish
                      : chance(70) ? broker::Answer::Kind::Requeue
                                   : broker::Answer::Kind::Touch;
    answers.push_back({kind, held.id, chance(50) ? Duration::zero() : random_delay()});
    numbers.push_back(held.number);
    if (kind != broker::Answer::Kind::Touch) {
      client->held.erase(client->held.begin() + static_cast<std::ptrdiff_t>(which));
    }
  }
  // Sometimes for what somebody else holds, or nobody.
  Client* other = random_client();
  if (chance(10) && other != client && !other->held.empty() && other->channel == client->channel &&
      other->topic == client->topic) {
    answers.push_back({broker::Answer::Kind::Finish, other->held[0].id, Duration::zero()});
    numbers.push_back(other->held[0].number);
  }
  if (answers.empty()) return;
  std::vector<broker::AnswerOutcome> outcomes(answers.size());
  client->subscription->channel().answer(*client->subscription, answers, now_, outcomes);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    ModelMessage& message = model_message(*client, numbers[i]);
    const bool in_flight = message.state == State::InFlight;
    const auto expected = !in_flight                         ? broker::AnswerOutcome::NotInFlight
                          : message.holder != client->number ? broker::AnswerOutcome::NotHolder
                                                             : broker::AnswerOutcome::Done;
    if (outcomes[i] != expected) {
      fail(fmt::format("client {} answering for message {}: outcome {} instead of {}",
                       client->number, numbers[i], static_cast<int>(outcomes[i]),
                       static_cast<int>(expected)));
    }
    if (expected != broker::AnswerOutcome::Done) continue;
    switch (answers[i].kind) {
      case broker::Answer::Kind::Finish:
        message.state = State::Finished;
        message.settled = message.lasting = false;
        break;
      case broker::Answer::Kind::Requeue:
        message.state = answers[i].delay > Duration::zero() ? State::Deferred : State::Waiting;
        message.due = now_.steady + answers[i].delay;
        break;
      case broker::Answer::Kind::Touch:
        message.deadline = now_.steady + client->msg_timeout;
        break;
    }
  }
  note(fmt::format("client {} answers for {}", client->number, answers.size()));
  pull(*client);
}

}  // namespace nsq::simulation
