#include "simulation/model.h"

namespace nsq::simulation {

void fail(std::string what) {
  throw Failure{std::move(what)};
}

std::uint64_t ModelChannel::count(ModelMessage::State state) const {
  std::uint64_t count = 0;
  for (const auto& [number, message] : messages) count += message.state == state ? 1 : 0;
  return count;
}

void ModelTopic::route(Moment now) {
  if (holds()) return;
  for (const auto& [number, published] : held) {
    ModelMessage message;
    if (published.due > now.steady) {
      message.state = ModelMessage::State::Deferred;
      message.due = published.due;
    }
    if (published.open) message.state = ModelMessage::State::Open;
    for (auto& [name, channel] : channels) channel.messages[number] = message;
  }
  held.clear();
}

void ModelTopic::publish(Number number, Duration delay, bool open, Moment now) {
  held[number] = {delay > Duration::zero() ? now.steady + delay : Instant{}, open};
  route(now);
}

void ModelTopic::add_channel(const std::string& name, Moment now) {
  ModelChannel& channel = channels[name];
  channel.ephemeral = name.ends_with("#ephemeral");
  route(now);
}

void ModelTopic::remove_channel(const std::string& name) {
  const auto channel = channels.find(name);
  if (channel->second.ephemeral) {
    for (const auto& [number, message] : channel->second.messages) lapsed.insert(number);
  }
  channels.erase(channel);
}

void ModelTopic::remove_ephemeral_channels() {
  std::vector<std::string> names;
  for (const auto& [name, channel] : channels) {
    if (channel.ephemeral) names.push_back(name);
  }
  for (const std::string& name : names) remove_channel(name);
}

void Model::settle() {
  for (auto& [topic_name, topic] : topics) {
    for (auto& [name, channel] : topic.channels) {
      channel.settled = true;
      for (auto& [number, message] : channel.messages) {
        if (message.state == ModelMessage::State::Finished) message.settled = true;
      }
    }
  }
}

void Model::last() {
  for (auto& [topic_name, topic] : topics) {
    for (auto& [name, channel] : topic.channels) {
      for (auto& [number, message] : channel.messages) {
        if (message.state == ModelMessage::State::Finished) message.lasting = true;
      }
    }
  }
}

void Model::crash(Moment) {
  using State = ModelMessage::State;
  for (auto& [topic_name, topic] : topics) {
    topic.remove_ephemeral_channels();
    for (auto& [name, channel] : topic.channels) {
      for (auto& [number, message] : channel.messages) {
        if (message.state == State::Finished && !message.settled) message.state = State::Open;
        if (message.state == State::InFlight) message.state = State::Waiting;
        // A delay given by a requeue may not have reached the journal: then it is waiting at once.
        message.attempts_known = false;
      }
    }
  }
}

}  // namespace nsq::simulation
