#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

// What a crash test knows: which messages were published and acknowledged, and what every channel
// was seen doing with them. All that must not happen is noticed here.
namespace nsq::crash {

using Number = std::uint32_t;  // of a message within its topic, from 1
using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;

// What is checked, and what was met with.
struct Tally {
  std::uint64_t published = 0;  // sent, whatever came of it
  std::uint64_t acknowledged = 0;
  std::uint64_t delivered = 0;
  std::uint64_t finished = 0;   // and known to be
  std::uint64_t came_back = 0;  // finished within the window before a kill, delivered after it
  std::int64_t oldest_came_back_ms =
      0;  // how long before the kill the earliest of them was finished
  std::uint64_t redelivered_attempts = 0;  // deliveries with attempts over 1
};

// The messages of one topic and its channels.
//
// Threading: shared.
class Ledger {
 public:
  // A finish may be forgotten if a kill comes within `window` of it.
  Ledger(std::string topic, Milliseconds window);

  const std::string& topic() const { return topic_; }

  // --- publishing
  // Numbers for messages about to be sent, one behind the other. `due`: not to be delivered before.
  Number take_numbers(Number count, Clock::time_point due = {});
  void acknowledge(Number first, Number count);
  std::string body_of(Number number) const;

  // --- channels, by their name. What is acknowledged and has a number from `from` on is owed to
  // it.
  void add_channel(const std::string& channel, Number from);
  void remove_channel(const std::string& channel);
  Number next_number() const;

  // --- consuming. Numbers are read from bodies; a body that was never published is a violation.
  Number delivered(const std::string& channel, std::string_view body, std::uint16_t attempts);
  void finish_sent(const std::string& channel, Number number);
  // The daemon has taken the finish of that delivery: what it answered later says so.
  void finish_taken(const std::string& channel, Number number, std::uint16_t attempts);
  // The same for a requeue; it is not to be delivered with more attempts before `due`.
  void requeue_taken(const std::string& channel, Number number, std::uint16_t attempts,
                     Clock::time_point due);

  // --- lives of the daemon
  // It was killed at that moment, or stopped in good order, and all its clients are gone.
  void end_life(std::optional<Clock::time_point> killed_at);

  // Acknowledged and owed, but nobody ever had the occasion to finish it. Each is a violation, and
  // so is a batch that came out in part.
  void check_complete();
  // How many messages are still owed.
  std::uint64_t owed() const;

  Tally tally() const;
  // The first few, one line each.
  std::vector<std::string> violations() const;
  void violation(std::string what);

 private:
  struct State {
    enum Flags : std::uint8_t { kDelivered = 1, kFinishSent = 2, kFinished = 4, kRequeued = 8 };
    std::uint8_t flags = 0;
    std::uint16_t attempts = 0;  // of the delivery that was finished or requeued last
    std::uint16_t life = 0;
    std::uint32_t at_ms = 0;  // finished: when; requeued: due
  };
  struct Message {
    std::uint32_t due_ms = 0;
    Number batch = 0;  // its first number; 0: alone
    bool acknowledged = false;
  };
  struct Channel {
    bool owed = false;
    Number from = 1;
    std::vector<State> states;
  };

  std::uint32_t ms(Clock::time_point at) const;
  State& state(const std::string& channel, Number number);
  void note_violation(std::string what);

  const std::string topic_;
  const Milliseconds window_;
  const Clock::time_point start_ = Clock::now();

  mutable std::mutex mutex_;
  std::vector<Message> messages_;  // by number; the first is unused
  std::unordered_map<std::string, Channel> channels_;
  std::vector<std::uint32_t> killed_at_ms_;  // of the lives that ended; 0: in good order
  Tally tally_;
  std::vector<std::string> violations_;
  std::uint64_t violation_count_ = 0;
};

}  // namespace nsq::crash
