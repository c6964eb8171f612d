#include "integration/crash/ledger.h"

#include <algorithm>
#include <charconv>

namespace nsq::crash {
namespace {

// Timers of the daemon and of the test are not the same; a message may seem early by this much.
constexpr std::uint32_t kClockSlackMs = 5;
constexpr std::size_t kShownViolations = 20;

}  // namespace

Ledger::Ledger(std::string topic, Milliseconds window)
    : topic_(std::move(topic)), window_(window), messages_(1) {}

std::uint32_t Ledger::ms(Clock::time_point at) const {
  // One is added so that 0 can say "never".
  const auto since = std::chrono::duration_cast<Milliseconds>(at - start_).count();
  return static_cast<std::uint32_t>(std::max<std::int64_t>(since, 0) + 1);
}

Number Ledger::take_numbers(Number count, Clock::time_point due) {
  const std::scoped_lock lock(mutex_);
  const Number first = static_cast<Number>(messages_.size());
  Message message;
  if (due != Clock::time_point{}) message.due_ms = ms(due);
  if (count > 1) message.batch = first;
  messages_.resize(messages_.size() + count, message);
  tally_.published += count;
  return first;
}

void Ledger::acknowledge(Number first, Number count) {
  const std::scoped_lock lock(mutex_);
  for (Number number = first; number < first + count; ++number) {
    messages_[number].acknowledged = true;
  }
  tally_.acknowledged += count;
}

// The length varies, so that records end at every offset.
std::string Ledger::body_of(Number number) const {
  return topic_ + " " + std::to_string(number) + ":" + std::string(number * 7919ULL % 400, 'x');
}

void Ledger::add_channel(const std::string& channel, Number from) {
  const std::scoped_lock lock(mutex_);
  channels_[channel] = {true, from, {}};
}

void Ledger::remove_channel(const std::string& channel) {
  const std::scoped_lock lock(mutex_);
  channels_[channel] = {false, 1, {}};
}

Number Ledger::next_number() const {
  const std::scoped_lock lock(mutex_);
  return static_cast<Number>(messages_.size());
}

Ledger::State& Ledger::state(const std::string& channel, Number number) {
  auto& states = channels_[channel].states;
  if (states.size() < messages_.size()) states.resize(messages_.size());
  return states[number];
}

Number Ledger::delivered(const std::string& channel, std::string_view body,
                         std::uint16_t attempts) {
  Number number = 0;
  const std::string_view digits = body.substr(std::min(body.size(), topic_.size() + 1));
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const std::scoped_lock lock(mutex_);
  if (number == 0 || number >= messages_.size() || body != body_of(number)) {
    note_violation("on " + channel +
                   " a message came that nobody published: " + std::string(body.substr(0, 60)));
    return 0;
  }
  const std::string name = "message " + std::to_string(number) + " on " + topic_ + ":" + channel;
  const auto life = static_cast<std::uint16_t>(killed_at_ms_.size());
  const std::uint32_t now = ms(Clock::now());
  ++tally_.delivered;
  if (attempts > 1) ++tally_.redelivered_attempts;
  State& found = state(channel, number);
  if (now + kClockSlackMs < messages_[number].due_ms) note_violation(name + " came early");
  // One that was sent before the daemon took the answer may be read after it.
  const bool later = found.life != life || attempts > found.attempts;
  if ((found.flags & State::kFinished) != 0 && later) {
    const std::uint32_t killed = found.life == life ? 0 : killed_at_ms_[found.life];
    const std::int64_t age = std::int64_t{killed} - std::int64_t{found.at_ms};
    if (found.life == life) {
      note_violation(name + " came back although finished in this life");
    } else if (killed == 0) {
      note_violation(name + " came back although finished before a clean stop");
    } else {
      ++tally_.came_back;
      tally_.oldest_came_back_ms = std::max(tally_.oldest_came_back_ms, age);
      if (age > window_.count()) {
        note_violation(name + " came back although finished " + std::to_string(age) +
                       " ms before the kill");
      }
    }
    found.flags &= static_cast<std::uint8_t>(~State::kFinished);
  }
  if ((found.flags & State::kRequeued) != 0 && found.life == life && later &&
      now + kClockSlackMs < found.at_ms) {
    note_violation(name + " came before the delay it was requeued with");
  }
  found.flags |= State::kDelivered;
  return number;
}

void Ledger::finish_sent(const std::string& channel, Number number) {
  const std::scoped_lock lock(mutex_);
  state(channel, number).flags |= State::kFinishSent;
}

void Ledger::finish_taken(const std::string& channel, Number number, std::uint16_t attempts) {
  const std::scoped_lock lock(mutex_);
  State& found = state(channel, number);
  found.flags = State::kDelivered | State::kFinishSent | State::kFinished;
  found.attempts = attempts;
  found.life = static_cast<std::uint16_t>(killed_at_ms_.size());
  found.at_ms = ms(Clock::now());
  ++tally_.finished;
}

void Ledger::requeue_taken(const std::string& channel, Number number, std::uint16_t attempts,
                           Clock::time_point due) {
  const std::scoped_lock lock(mutex_);
  State& found = state(channel, number);
  if ((found.flags & State::kFinished) != 0) return;
  found.flags |= State::kRequeued;
  found.attempts = attempts;
  found.life = static_cast<std::uint16_t>(killed_at_ms_.size());
  found.at_ms = ms(due);
}

void Ledger::end_life(std::optional<Clock::time_point> killed_at) {
  const std::scoped_lock lock(mutex_);
  killed_at_ms_.push_back(killed_at ? ms(*killed_at) : 0);
}

std::uint64_t Ledger::owed() const {
  const std::scoped_lock lock(mutex_);
  std::uint64_t count = 0;
  for (const auto& [name, channel] : channels_) {
    if (!channel.owed) continue;
    for (Number number = channel.from; number < messages_.size(); ++number) {
      if (!messages_[number].acknowledged) continue;
      const bool done = number < channel.states.size() &&
                        (channel.states[number].flags & State::kFinishSent) != 0;
      count += done ? 0 : 1;
    }
  }
  return count;
}

void Ledger::check_complete() {
  const std::scoped_lock lock(mutex_);
  for (auto& [name, channel] : channels_) {
    if (!channel.owed) continue;
    channel.states.resize(messages_.size());
    const auto was_delivered = [&](Number number) {
      return (channel.states[number].flags & State::kDelivered) != 0;
    };
    for (Number number = channel.from; number < messages_.size(); ++number) {
      const Message& message = messages_[number];
      const bool finished = (channel.states[number].flags & State::kFinishSent) != 0;
      if (message.acknowledged && !finished) {
        note_violation("message " + std::to_string(number) + " on " + topic_ + ":" + name +
                       " was acknowledged and is lost" +
                       (was_delivered(number) ? " after it was delivered" : ""));
      }
      if (message.batch >= channel.from && message.batch != 0 &&
          was_delivered(number) != was_delivered(message.batch)) {
        note_violation("the batch of " + std::to_string(message.batch) + " came out in part on " +
                       name);
      }
    }
  }
}

Tally Ledger::tally() const {
  const std::scoped_lock lock(mutex_);
  return tally_;
}

std::vector<std::string> Ledger::violations() const {
  const std::scoped_lock lock(mutex_);
  std::vector<std::string> all = violations_;
  if (violation_count_ > all.size()) {
    all.push_back("and " + std::to_string(violation_count_ - all.size()) + " more");
  }
  return all;
}

void Ledger::violation(std::string what) {
  const std::scoped_lock lock(mutex_);
  note_violation(std::move(what));
}

void Ledger::note_violation(std::string what) {
  ++violation_count_;
  if (violations_.size() < kShownViolations) violations_.push_back(std::move(what));
}

}  // namespace nsq::crash
