#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/instant.h"

namespace nsq::simulation {

// Stops a run: something happened that must not. The text says what, and the caller adds the seed.
struct Failure {
  std::string what;
};
[[noreturn]] void fail(std::string what);

// Messages are known by the number in their body.
using Number = std::uint64_t;

// What the engine ought to do, in the plainest way: one entry per message and channel.
struct ModelMessage {
  enum class State {
    Waiting,
    Deferred,
    InFlight,
    Finished,
    Open,  // after a crash: it may come again or not, either is right
  };
  State state = State::Waiting;
  std::uint16_t attempts = 0;
  Instant due;                 // Deferred
  Instant deadline;            // InFlight
  int holder = -1;             // InFlight: the consumer's number
  bool settled = false;        // Finished: known to be so after a crash
  bool lasting = false;        // Finished: known to be so after a power cut as well
  bool attempts_known = true;  // a crash may have lost count
};

struct ModelChannel {
  std::map<Number, ModelMessage> messages;
  bool paused = false;
  bool ephemeral = false;
  bool settled = false;  // its being there survives a power loss

  std::uint64_t count(ModelMessage::State state) const;
};

struct ModelTopic {
  struct Held {
    Instant due;  // zero: none
    bool open = false;
  };
  std::map<std::string, ModelChannel> channels;
  std::map<Number, Held> held;  // waiting at the topic, by age since numbers grow
  // Gone with an ephemeral channel, the only one there was: a power cut may undo that they went to
  // it, so that they wait at the topic again.
  std::set<Number> lapsed;
  bool paused = false;

  bool holds() const { return paused || channels.empty(); }
  // Messages go on to the channels, if nothing holds them.
  void route(Moment now);
  void publish(Number number, Duration delay, bool open, Moment now);
  void add_channel(const std::string& name, Moment now);
  void remove_channel(const std::string& name);
  void remove_ephemeral_channels();
};

struct Model {
  std::map<std::string, ModelTopic> topics;

  // Time passes: what is due is waiting again. Calls `timed_out(consumer)` for each timeout.
  template <typename TimedOut>
  void advance(Instant now, TimedOut timed_out) {
    for (auto& [topic_name, topic] : topics) {
      for (auto& [name, channel] : topic.channels) {
        for (auto& [number, message] : channel.messages) {
          if (message.state == ModelMessage::State::Deferred && message.due <= now) {
            message.state = ModelMessage::State::Waiting;
          } else if (message.state == ModelMessage::State::InFlight && message.deadline <= now) {
            message.state = ModelMessage::State::Waiting;
            timed_out(topic_name, name, number, message.holder);
          }
        }
      }
    }
  }
  // All that has been finished has reached the journal.
  void settle();
  // And the disk.
  void last();
  // The process died and started again: what was not settled is open.
  void crash(Moment now);
};

}  // namespace nsq::simulation
