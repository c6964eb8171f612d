// What of a topic survives the process: changes are collected by the channels and flushed every few
// milliseconds; at the start they are put together again with what the log's end shows.

#include <algorithm>

#include "base/log.h"
#include "broker/topic.h"
#include "protocol/names.h"

namespace nsq::broker {
namespace {

// A journal is rewritten when it has grown by this and to several times its last rewritten size.
constexpr std::uint64_t kWorthRewritingBytes = 1 << 20;
constexpr std::uint64_t kGrowthFactor = 4;
constexpr Duration kJournalRetry = std::chrono::seconds(1);

}  // namespace

// --- writing -----------------------------------------------------------------------------------

Result<void> Topic::make_directory() {
  if (directory_made_) return {};
  if (auto made = home_.files.create_directory(directory_); !made) return made;
  directory_made_ = true;
  Lock lock(mutex_);
  directory_unsynced_ = true;
  return {};
}

// Where the disk is full, once more with the room that is kept back for this.
Result<void> Topic::append_to_journal(std::string_view entries, Moment now, bool in_passing) {
  const auto append = [&] {
    return in_passing ? journal_.append_in_passing(entries) : journal_.append(entries);
  };
  auto done = append();
  if (!done && home_.reserve.give_up(done.error(), now)) done = append();
  return done;
}

// Called with a channel's lock held, or the topic's: takes neither.
void Topic::request_journal(Moment now) {
  if (ephemeral_ || journal_requested_.exchange(true)) return;
  home_.schedule.arm(shared_from_this(), now.steady + home_.options.journal_interval);
}

void Topic::flush_journal(Moment now) {
  Lock flushing(flush_mutex_);
  std::string entries;
  std::vector<std::shared_ptr<Channel>> channels;
  std::optional<storage::LogPosition> sound;
  {
    Lock lock(mutex_);
    if (exiting_) return;
    channels = channel_list();
    // Not before the gaps that end there are written, which go with the structure.
    if (!sound_journaled_ && !structure_pending() && !noting_) {
      sound = sound_;
      sound_journaled_ = true;
    }
    // The next start reads the log from `sound` on only, so that what is deferred before has to be
    // known from here.
    if (sound) {
      auto next = std::partition_point(deferrals_.begin(), deferrals_.end(),
                                       [](const HeldDeferral& each) { return each.journaled; });
      for (; next != deferrals_.end() && next->index < sound->index; ++next) {
        journal::deferral(entries, next->index, next->due);
        next->journaled = true;
      }
    }
    used_ = true;
  }
  for (const auto& channel : channels) channel->take_changes(false, entries);
  if (!entries.empty() && !in_memory()) {
    // What was finished is to last too, also where nobody publishes.
    Lock lock(mutex_);
    request_sync_later(now);
  }
  if (journal_incomplete_) return complete_journal(now);
  const bool in_passing = entries.empty();  // the next start would only read more
  if (sound) journal::sound(entries, *sound);
  if (entries.empty()) return;
  Result<void> done = make_directory();
  if (done) done = append_to_journal(entries, now, in_passing);
  if (!done) {
    Meters::count(home_.meters.journal_errors);
    log::error("TOPIC({}): cannot write the journal, trying again: {}", name_,
               done.error().to_string());
    journal_incomplete_ = true;
    journal_requested_ = true;
    home_.schedule.arm(shared_from_this(), now.steady + kJournalRetry);
    return;
  }
  const bool long_enough =
      journal_.bytes() > kWorthRewritingBytes + kGrowthFactor * journal_rewritten_bytes_;
  if (!long_enough || now.steady < journal_rewrite_from_) return;
  // Elsewhere, as it takes a sync: what this and other topics note does not wait for that.
  journal_rewrite_from_ = Instant::never();
  home_.work.submit(storage::WorkQueue::Lane::Background,
                    [self = shared_from_this(), now] { self->shorten_journal(now); });
}

// Flushes go on meanwhile. A note that one of them took before the state was read may so come to
// stand behind the state, which knows better; the newer note, too young to be safe in any case, is
// still to be flushed.
Result<void> Topic::rewrite_journal(Moment now) {
  Lock rewriting(rewrite_mutex_);
  return journal_.rewrite([this, now] {
    std::string entries;
    Lock lock(mutex_);
    encode_state(entries);
    for (const auto& [name, channel] : channels_) channel->encode_state(now, entries);
    if (sound_) journal::sound(entries, *sound_);
    return entries;
  });
}

void Topic::note_rewritten(const Result<void>& done, Moment now) {
  if (done) {
    journal_rewritten_bytes_ = journal_.bytes();
    journal_rewrite_from_ = {};
    return;
  }
  Meters::count(home_.meters.journal_errors);
  home_.reserve.give_up(done.error(), now);
  log::error("TOPIC({}): cannot rewrite the journal, trying again: {}", name_,
             done.error().to_string());
  journal_rewrite_from_ = now.steady + kJournalRetry;
}

void Topic::complete_journal(Moment now) {
  const auto done = rewrite_journal(now);
  note_rewritten(done, now);
  if (done) {
    journal_incomplete_ = false;
    return;
  }
  journal_requested_ = true;
  home_.schedule.arm(shared_from_this(), now.steady + kJournalRetry);
}

void Topic::shorten_journal(Moment now) {
  {
    Lock lock(mutex_);
    if (exiting_) return;  // the directory may have been moved
  }
  const auto done = rewrite_journal(now);
  Lock flushing(flush_mutex_);
  note_rewritten(done, now);
}

void Topic::encode_state(std::string& entries) const {
  journal::opened(entries);
  journal::routed(entries, held(), routed_);
  gaps_.for_each([&](IndexRange gap) { journal::gap(entries, gap); });
  for (const HeldDeferral& deferral : deferrals_) {
    journal::deferral(entries, deferral.index, deferral.due);
  }
}

Result<void> Topic::sync_structure() {
  if (auto noted = await_structure(); !noted) return noted;
  {
    Lock lock(mutex_);
    if (!structure_unsynced_ || exiting_) return {};
    structure_unsynced_ = false;
  }
  auto done = journal_.sync();
  if (done) done = sync_new_directory();
  if (done) return done;
  Lock lock(mutex_);
  structure_unsynced_ = true;
  return done;
}

Result<void> Topic::sync_new_directory() {
  {
    Lock lock(mutex_);
    if (!std::exchange(directory_unsynced_, false)) return {};
  }
  auto done = home_.files.sync_directory(storage::parent_directory(directory_));
  if (done) return done;
  Lock lock(mutex_);
  directory_unsynced_ = true;
  return done;
}

Result<void> Topic::shut_down(Moment now) {
  log::info("TOPIC({}): closing", name_);
  std::vector<std::shared_ptr<Channel>> channels;
  {
    Lock lock(mutex_);
    channels = channel_list();
  }
  for (const auto& channel : channels) channel->say_closing();
  if (ephemeral_) return {};
  Notices notices;
  Result<void> done;
  {
    Lock lock(mutex_);
    if (!used_ && !journal_requested_ && !log_->has_unwritten()) return {};
    if (structure_pending() || log_->has_unwritten()) done = write_all(lock, now, notices);
  }
  notices.make();
  if (!done) return done;
  // After a failure the next try makes a copy: this process alone knows that one is needed.
  auto sound = log_->sync();
  if (!sound) sound = log_->sync();
  if (!sound) return sound.error();
  std::string entries;
  {
    Lock lock(mutex_);
    sound_ = *sound;
    for (const HeldDeferral& deferral : deferrals_) {
      if (!deferral.journaled) journal::deferral(entries, deferral.index, deferral.due);
    }
    for (const auto& [name, channel] : channels_) channel->take_changes(true, entries);
  }
  Lock flushing(flush_mutex_);
  if (journal_incomplete_) {
    complete_journal(now);
    if (journal_incomplete_) return Error(std::make_error_code(std::errc::io_error), directory_);
    entries.clear();
  }
  if (done = make_directory(); !done) return done;
  // Before it is said that anything is sound: of a log that is, the directory is taken to be safe.
  if (done = sync_new_directory(); !done) return done;
  journal::sound(entries, *sound);
  journal::closed(entries);
  if (done = append_to_journal(entries, now); !done) return done;
  if (done = journal_.sync(); !done) done = journal_.sync();
  return done;
}

// --- giving up space ---------------------------------------------------------------------------

void Topic::request_maintenance(Instant at) {
  if (maintenance_due_ != Instant::never()) return;
  maintenance_due_ = at;
  home_.schedule.arm(shared_from_this(), at);
}

Index Topic::lowest_needed() const {
  Index lowest = routed_;
  for (const auto& [name, channel] : channels_) lowest = std::min(lowest, channel->floor());
  return lowest;
}

// Behind it there may be finished messages with others between them; from here on somebody has
// everything still before them.
Index Topic::lowest_cursor() const {
  Index lowest = routed_;
  for (const auto& [name, channel] : channels_) lowest = std::min(lowest, channel->cursor());
  return lowest;
}

IntervalSet Topic::unfinished(IndexRange within) const {
  IntervalSet found;
  for (const auto& [name, channel] : channels_) channel->collect_unfinished(within, found);
  found.add({std::max(within.begin, routed_), within.end});
  return found;
}

// Makes sure that what is finished is known to be so after a crash, before records go.
Result<void> Topic::secure_journal(Moment now) {
  flush_journal(now);
  {
    Lock flushing(flush_mutex_);
    if (journal_incomplete_) return Error(std::make_error_code(std::errc::io_error), directory_);
  }
  return journal_.sync();
}

void Topic::maintain(Moment now) {
  Index floor = 0;
  Index cursor = 0;
  {
    Lock lock(mutex_);
    if (exiting_) return;
    floor = lowest_needed();
    cursor = lowest_cursor();
  }
  Result<void> done;
  if (const auto released = log_->release(floor); !released.empty()) {
    done = secure_journal(now);
    if (done) done = log_->remove(released);
  }
  for (const auto& segment : log_->sealed_segments()) {
    if (!done) break;
    if (segment.end <= floor || segment.bytes <= storage::kSegmentHeaderBytes) continue;
    // A segment some channel is in the middle of is about to become empty by itself.
    if (segment.end > cursor) continue;
    IntervalSet live;
    {
      Lock lock(mutex_);
      live = unfinished({segment.first, segment.end});
    }
    const std::uint64_t records =
        segment.records > 0 ? segment.records : segment.end - segment.first;
    if (2 * live.count() >= records) continue;
    done = secure_journal(now);
    if (done) done = log_->rewrite(segment.first, live);
  }
  if (done) return;
  Meters::count(home_.meters.space_errors);
  log::error("TOPIC({}): cannot give up disk space: {}", name_, done.error().to_string());
  Lock lock(mutex_);
  request_maintenance(now.steady + home_.options.maintenance_interval);
}

// --- recovering --------------------------------------------------------------------------------

Result<void> Topic::recover(bool paused, std::span<const std::string> noted, Moment now) {
  TopicRecord record;
  if (ephemeral_) return {};
  auto cut = journal_.replay([&](std::string_view payload) { record.replay(payload); });
  if (!cut) return cut.error();
  const bool incomplete = *cut > 0 || record.unreadable > 0;
  if (incomplete) {
    log::warning(
        "TOPIC({}): the journal's end was not complete: {} bytes cut, {} entries unreadable; "
        "some messages may be delivered again",
        name_, *cut, record.unreadable);
    record.clean = false;
    // A later entry may say that the log is sound up to where an entry that is missing left off.
    record.sound.reset();
  }
  const std::vector<std::uint32_t> forgotten =
      incomplete ? record.add_forgotten(noted) : std::vector<std::uint32_t>();
  auto log = log_->recover(record.sound);
  if (!log) return log.error();
  if (log->damaged > 0) {
    log::error("TOPIC({}): {} damaged places in the log are passed over", name_, log->damaged);
  }
  Meters::count(home_.meters.damaged_places, log->damaged + journal_.damaged());
  directory_made_ = record.any || log->found;
  {
    Lock lock(mutex_);
    last_moment_ = now;
    restore(record, *log, paused, now);
    for (const std::uint32_t number : forgotten) {
      const ChannelRecord& channel = record.channels[number];
      log::error("TOPIC({}): the journal has lost channel {}; all messages there are go to it",
                 name_, channel.name);
      journal::channel_created(structure_, number, channel.start, channel.name);
    }
  }
  // Before anything is said of what it does.
  if (!forgotten.empty()) write_structure(now);
  return {};
}

void Topic::restore(TopicRecord& record, const storage::MessageLog::Recovery& log, bool paused,
                    Moment now) {
  paused_ = paused;
  deleted_ = record.deleted;
  if (!record.any && !log.found) return;  // a topic that never had anything written

  // Where the log goes on: behind everything anyone can know of. That includes what an earlier
  // process published and a power cut took back, the note that it had begun among it.
  const Index found_end = log.found ? log.end : record.sound ? record.sound->index : 0;
  Index next = std::max({found_end, record.mentioned, index_of_time(now.wall)});
  if (!record.clean) {
    used_ = true;
    request_sync();  // what was found may not be on the disk yet
  }
  if (!log.found) next = std::max(next, log_->end());  // there is nothing to go on behind
  const Index begin = log.found ? log.begin : next;
  IntervalSet gaps = record.gaps;
  gaps.add(log.gaps);
  const IndexRange skipped{log.found ? found_end : next, next};
  gaps.add(skipped);
  log_->skip_to(next);
  visible_end_ = next;
  routed_ = record.held ? std::clamp(record.routed, begin, next) : next;

  next_channel_number_ = record.next_channel_number();
  std::map<Index, Timestamp> deferrals = record.deferrals;
  deferrals.insert(log.deferred.begin(), log.deferred.end());
  for (auto& [number, channel] : record.channels) {
    if (!protocol::is_valid_name(channel.name)) continue;
    channel.finished.add(gaps);
    for (const auto& [index, due] : deferrals) {
      // What the channel itself noted of the message is newer.
      if (due > now.wall) channel.waiting.insert({index, WaitingNote{0, due}});
    }
    make_channel(channel.name, number)->restore(channel, begin, routed_, now);
  }
  for (const auto& [index, due] : deferrals) {
    // The journal may know of a message that a power cut has taken.
    if (index >= routed_ && !gaps.contains(index)) deferrals_.push_back({index, due, true});
  }
  gaps_ = std::move(gaps);
  gaps_.erase_below(routed_);

  // Written with the first message, or whatever comes first; a topic left alone is not written to.
  journal::opened(structure_);
  if (!skipped.empty()) journal::gap(structure_, skipped);
  log.gaps.for_each([&](IndexRange gap) NSQ_NO_ANALYSIS { journal::gap(structure_, gap); });
  for (const auto& [index, due] : log.deferred) journal::deferral(structure_, index, due);
  if (record.held && !held()) {
    Notices nobody;
    end_hold(now, nobody);
  } else if (!record.held && held()) {
    begin_hold();
  }
}

}  // namespace nsq::broker
