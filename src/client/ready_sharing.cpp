#include "client/ready_sharing.h"

#include <algorithm>

namespace nsq::client {

ReadySharing::ReadySharing(std::int64_t max_in_flight, Duration idle_timeout, Duration hold_timeout)
    : max_in_flight_(max_in_flight), idle_timeout_(idle_timeout), hold_timeout_(hold_timeout) {}

ReadySharing::Line* ReadySharing::find(Id id) {
  const auto found =
      std::find_if(lines_.begin(), lines_.end(), [id](const Line& line) { return line.id == id; });
  return found == lines_.end() ? nullptr : &*found;
}

std::int64_t ReadySharing::budget() const {
  switch (mode_) {
    case Mode::Shares:
      return max_in_flight_;
    case Mode::Nothing:
      return 0;
    case Mode::One:
      return std::min<std::int64_t>(1, max_in_flight_);
  }
  return 0;
}

bool ReadySharing::is_scarce() const {
  return budget() < static_cast<std::int64_t>(lines_.size());
}

ReadySharing::Changes ReadySharing::add(Id id, std::int64_t limit, Instant now) {
  lines_.push_back({.id = id, .limit = limit, .since = now, .last_message = now});
  is_scarce() ? aim_at_turns() : aim_at_shares();
  return apply(now);
}

ReadySharing::Changes ReadySharing::remove(Id id, Instant now) {
  std::erase_if(lines_, [id](const Line& line) { return line.id == id; });
  is_scarce() ? aim_at_turns() : aim_at_shares();
  return apply(now);
}

ReadySharing::Changes ReadySharing::set_max_in_flight(std::int64_t count, Instant now) {
  max_in_flight_ = count;
  is_scarce() ? aim_at_turns() : aim_at_shares();
  return apply(now);
}

ReadySharing::Changes ReadySharing::withhold(Instant now) {
  mode_ = Mode::Nothing;
  aim_at_turns();
  return apply(now);
}

ReadySharing::Changes ReadySharing::test_one(Instant now) {
  mode_ = Mode::One;
  aim_at_turns();
  return apply(now);
}

ReadySharing::Changes ReadySharing::resume(Instant now) {
  mode_ = Mode::Shares;
  is_scarce() ? aim_at_turns() : aim_at_shares();
  return apply(now);
}

ReadySharing::Changes ReadySharing::redistribute(Instant now) {
  if (!is_scarce() || mode_ == Mode::Nothing || lines_.size() < 2) return {};
  Changes changes;
  for (Line& line : lines_) {
    if (line.count == 0) continue;
    if (now - line.last_message < idle_timeout_ && now - line.since < hold_timeout_) continue;
    line.count = 0;
    line.since = now;
    changes.push_back({line.id, 0});
  }
  aim_at_turns();
  const Changes given = apply(now);
  changes.insert(changes.end(), given.begin(), given.end());
  return changes;
}

// As much for each as for any other, but for what a daemon does not accept, which goes to those
// after it.
void ReadySharing::aim_at_shares() {
  std::int64_t rest = budget();
  auto left = static_cast<std::int64_t>(lines_.size());
  std::vector<Line*> by_limit;
  for (Line& line : lines_) by_limit.push_back(&line);
  std::stable_sort(by_limit.begin(), by_limit.end(),
                   [](const Line* a, const Line* b) { return a->limit < b->limit; });
  for (Line* line : by_limit) {
    // Rounded up, so that what does not divide is not wasted.
    line->target = std::min(line->limit, (rest + left - 1) / left);
    rest -= line->target;
    --left;
  }
}

// 1 for as many as there is something for: those who have it keep it, then those who have been
// without for the longest.
void ReadySharing::aim_at_turns() {
  std::int64_t free = budget();
  std::vector<Line*> waiting;
  for (Line& line : lines_) {
    line.target = line.count > 0 && free > 0 ? 1 : 0;
    free -= line.target;
    if (line.count == 0) waiting.push_back(&line);
  }
  std::stable_sort(waiting.begin(), waiting.end(),
                   [](const Line* a, const Line* b) { return a->since < b->since; });
  for (Line* line : waiting) {
    line->target = free > 0 ? 1 : 0;
    free -= line->target;
  }
}

ReadySharing::Changes ReadySharing::apply(Instant now) {
  Changes changes;
  for (const bool taking : {true, false}) {
    for (Line& line : lines_) {
      if (line.target == line.count || (line.target < line.count) != taking) continue;
      if ((line.target == 0) != (line.count == 0)) line.since = line.last_message = now;
      line.count = line.target;
      changes.push_back({line.id, line.count});
    }
  }
  return changes;
}

void ReadySharing::on_message(Id id, Instant now) {
  if (Line* line = find(id)) line->last_message = now;
}

std::int64_t ReadySharing::ready_count(Id id) const {
  for (const Line& line : lines_) {
    if (line.id == id) return line.count;
  }
  return 0;
}

std::int64_t ReadySharing::sum() const {
  std::int64_t sum = 0;
  for (const Line& line : lines_) sum += line.count;
  return sum;
}

}  // namespace nsq::client
