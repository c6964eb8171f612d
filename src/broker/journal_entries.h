#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/instant.h"
#include "storage/interval_set.h"
#include "storage/message_log.h"

// What a topic's journal says: changes, one after the other, from which the state of its channels
// is put together again. docs/log_format.md describes the bytes.
//
// Finishing is final, whatever else is said of a message; of several notes on a message that waits,
// the last one counts. So replaying a change twice, or after a state that includes it, does no
// harm.
namespace nsq::broker {

using storage::Index;
using storage::IndexRange;
using storage::IntervalSet;

// A message that is not simply waiting for its first delivery.
struct WaitingNote {
  std::uint16_t attempts = 0;
  Timestamp due;  // 0: at once
};

struct ChannelRecord {
  std::string name;
  Index start = 0;
  IntervalSet finished;
  std::map<Index, WaitingNote> waiting;
};

// All a journal says, put together.
struct TopicRecord {
  std::map<std::uint32_t, ChannelRecord> channels;  // by number
  // What is said of channels before it is said that they were made, which goes another way, and may
  // never come; or after they were deleted.
  std::map<std::uint32_t, ChannelRecord> unmade;
  std::set<std::string> deleted;         // names deleted and not created again
  IntervalSet gaps;                      // indexes no message has
  std::map<Index, Timestamp> deferrals;  // messages with a due time, for all channels
  bool held = true;                      // messages from `routed` on wait at the topic
  Index routed = 0;
  std::optional<storage::LogPosition> sound;
  bool clean = false;            // the process that wrote it stopped in good order
  bool any = false;              // there was something
  Index mentioned = 0;           // no index at or above this occurs
  std::uint64_t unreadable = 0;  // entries that made no sense

  // One that no channel has had of which anything is said.
  std::uint32_t next_channel_number() const;
  // Adds those of the named channels that are neither there nor deleted, from the beginning;
  // returns their numbers.
  std::vector<std::uint32_t> add_forgotten(std::span<const std::string> names);
  // Takes in one journal entry.
  void replay(std::string_view payload);
};

namespace journal {

void channel_created(std::string& to, std::uint32_t channel, Index start, std::string_view name);
void channel_deleted(std::string& to, std::uint32_t channel);
void finished(std::string& to, std::uint32_t channel, const IntervalSet& ranges);
void waiting(std::string& to, std::uint32_t channel, Index index, WaitingNote note);
void deferral(std::string& to, Index index, Timestamp due);
void routed(std::string& to, bool held, Index index);
void gap(std::string& to, IndexRange range);
void sound(std::string& to, const storage::LogPosition& position);
void opened(std::string& to);
void closed(std::string& to);

}  // namespace journal
}  // namespace nsq::broker
