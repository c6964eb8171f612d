// The way of a message from its publisher to the channels: appended in memory under the lock,
// written without it by whoever finds the writer's place free, then routed to the channels and
// answered.

#include "base/assert.h"
#include "base/log.h"
#include "broker/broker_error.h"
#include "broker/topic.h"

namespace nsq::broker {
namespace {

// After so many writes that did not wait, publishers write for themselves again.
constexpr unsigned kHandedOverWrites = 100;

}  // namespace

std::optional<Result<void>> Topic::publish(std::span<const Publication> publications, Moment now,
                                           std::shared_ptr<PublishWaiter> waiter,
                                           std::uint64_t ticket) {
  Notices notices;
  std::optional<Result<void>> outcome;
  {
    Lock lock(mutex_);
    if (exiting_) return Result<void>(Error(BrokerErrc::Exiting, ""));
    if (in_memory()) {
      outcome = make_room_in_memory(lock, now, notices);
      if (*outcome) publish_in_memory(publications, now, notices);
    } else {
      Unanswered mine = append(publications, now);
      const bool write = !writing_ && !handed_over_;
      const bool write_here = write && writes_here();
      if (write_here && home_.options.durability == Durability::Log) {
        mine.outcome = &outcome;
      } else {
        mine.waiter = std::move(waiter);
        mine.ticket = ticket;
      }
      unanswered_.push_back(std::move(mine));
      if (write && !write_here) hand_over_writing(now);
      if (write_here) {
        // How it went for this publish is in `outcome`; how it went for those who came meanwhile is
        // in theirs.
        [[maybe_unused]] const auto all = write_all(lock, now, notices, Rest::HandOver);
      }
    }
  }
  notices.make();
  return outcome;
}

Topic::Unanswered Topic::append(std::span<const Publication> publications, Moment now) {
  Unanswered publish;
  for (const Publication& publication : publications) {
    const bool deferred = publication.delay > Duration::zero();
    const Timestamp due = deferred ? now.wall + publication.delay : Timestamp{};
    const IndexRange range = log_->append(publication.bodies, now.wall, due);
    publish.messages += range.count();
    for (const std::string_view body : publication.bodies) publish.bytes += body.size();
    if (!deferred) continue;
    for (Index index = range.begin; index < range.end; ++index) deferrals_.push_back({index, due});
  }
  message_count_ += publish.messages;
  message_bytes_ += publish.bytes;
  publish.end = log_->end();
  return publish;
}

// --- in memory ---------------------------------------------------------------------------------

bool Topic::has_room_for(std::span<const Publication> publications) const {
  if (!held()) return true;  // the channels see to themselves
  std::uint64_t count = 0;
  for (const Publication& publication : publications) count += publication.bodies.size();
  return held_depth() + count <= home_.options.mem_queue_size;
}

void Topic::publish_in_memory(std::span<const Publication> publications, Moment now,
                              Notices& notices) {
  for (const Publication& publication : publications) {
    if (!ephemeral_ || has_room_for({&publication, 1})) {
      append({&publication, 1}, now);
      visible_end_ = log_->end();
      continue;
    }
    // As much of it as fits.
    const std::uint64_t depth = held_depth();
    const std::uint64_t room =
        home_.options.mem_queue_size - std::min(home_.options.mem_queue_size, depth);
    if (room > 0) {
      const Publication part{publication.bodies.first(static_cast<std::size_t>(room)),
                             publication.delay};
      append({&part, 1}, now);
      visible_end_ = log_->end();
    }
    dropped_count_ += publication.bodies.size() - room;
  }
  route(visible_end_, now, notices);
  if (ephemeral_) {
    log_->release(lowest_needed());
    // What one message in flight or deferred for long would keep in memory behind it.
    if (log_->should_compact()) {
      log_->compact([this](IndexRange range) NSQ_NO_ANALYSIS { return unfinished(range); });
    }
  } else {
    request_maintenance(now.steady + home_.options.maintenance_interval);
  }
}

// In memory mode, what the window cannot hold is written before more is taken, and what happened to
// channels is written before any message: from an "opened" without a "closed" the next start knows
// that messages may have been lost, and uses none of their ids again.
Result<void> Topic::make_room_in_memory(Lock& lock, Moment now, Notices& notices) {
  if (ephemeral_ || writing_) return {};
  const bool full = log_->must_spill();
  if (!full && !structure_pending()) return {};
  auto written = write_all(lock, now, notices);
  return full ? written : Result<void>();
}

// --- writing -----------------------------------------------------------------------------------

// Clang's analysis does not follow a lock that is handed down to be opened for a while.
Result<void> Topic::write_all(Lock& lock, Moment now, Notices& notices, Rest rest) NSQ_NO_ANALYSIS {
  NSQ_ASSERT(!writing_);
  writing_ = true;
  used_ = true;
  last_moment_ = now;
  Result<void> outcome;
  while (true) {
    // What is kept back on a full disk is for journals; that a publish was refused is noted later.
    const bool full = !in_memory() && !home_.reserve.held();
    const bool refuse = full && log_->has_unwritten();
    if (refuse && structure_.empty()) {
      outcome = exiting_ ? Error(BrokerErrc::Exiting, "") : home_.reserve.refusal();
      fail_unwritten(outcome.error(), notices);
      break;
    }
    const Index before = log_->end();
    std::string structure = std::exchange(structure_, {});
    const IntervalSet refused = std::exchange(refused_, {});
    std::string entries = structure;
    refused.for_each([&](IndexRange gap) { journal::gap(entries, gap); });
    noting_ = !entries.empty();
    lock.unlock();
    Result<void> noted;
    if (!entries.empty()) {
      noted = make_directory();
      if (noted) noted = append_to_journal(entries, now);
    }
    Result<Index> written = Index{0};
    bool waited = false;
    if (!noted) {
      written = noted.error();
    } else if (refuse) {
      written = home_.reserve.refusal();
    } else {
      written = log_->write();
      waited = log_->writing_waited();
      if (!written) home_.reserve.give_up(written.error(), now);
    }
    lock.lock();
    noting_ = false;
    if (waited) {
      handed_over_writes_ = kHandedOverWrites;
    } else if (handed_over_writes_ > 0) {
      --handed_over_writes_;
    }
    if (!noted) {
      structure_ = structure + structure_;
      refused_.add(refused);
    }
    if (noted && !entries.empty()) {
      structure_unsynced_ = journal_sync_wanted_ = true;
      structure_changed_ = structure_changed_ && !structure_.empty();
      structure_noted_.notify_all();
    }
    if (exiting_) written = Error(BrokerErrc::Exiting, "");
    outcome = written ? Result<void>() : Result<void>(written.error());
    if (!exiting_ && !(full && outcome)) home_.health.report(outcome);
    if (!outcome) {
      if (!exiting_) {
        Meters::count(home_.meters.message_write_errors);
        log::error("TOPIC({}): cannot write messages: {}", name_, outcome.error().to_string());
      }
      if (!in_memory()) fail_unwritten(outcome.error(), notices);
      break;
    }
    if (!in_memory()) {
      unsynced_messages_ += *written - visible_end_;
      visible_end_ = *written;
      // What was appended meanwhile may be owed to a channel that was made meanwhile.
      noted_end_ = structure_.empty() ? *written : std::max(noted_end_, std::min(*written, before));
      route(visible_end_, now, notices);
      if (home_.options.durability == Durability::Log) settle_through(noted_end_, notices);
    }
    if (!structure_pending() && !log_->has_unwritten()) break;
    if (rest == Rest::HandOver && (waited || sync_is_in_the_way()) &&
        callers_publish_is_settled()) {
      hand_over_writing(now);
      break;
    }
  }
  writing_ = false;
  if (structure_changed_) structure_noted_.notify_all();
  note_quiet(notices);
  if (!log_->has_unsynced() && !journal_sync_wanted_) return outcome;
  request_sync_later(now);
  if (home_.options.durability == Durability::Fsync ||
      unsynced_messages_ >= home_.options.sync_every) {
    request_sync();
  }
  return outcome;
}

void Topic::hand_over_writing(Moment now) {
  if (std::exchange(handed_over_, true)) return;
  home_.work.submit(storage::WorkQueue::Lane::Write,
                    [self = shared_from_this(), now] { self->write_handed_over(now); });
}

void Topic::write_handed_over(Moment now) {
  Notices notices;
  {
    Lock lock(mutex_);
    handed_over_ = false;
    if (writing_) {
      // Whoever is at it sees to the rest.
    } else if (exiting_) {
      fail_unwritten(Error(BrokerErrc::Exiting, ""), notices);
      note_quiet(notices);
    } else if (structure_pending() || log_->has_unwritten()) {
      // How it went, those are told who wait for it.
      [[maybe_unused]] const auto all = write_all(lock, now, notices, Rest::HandOver);
    }
  }
  notices.make();
}

void Topic::write_structure(Moment now) {
  if (ephemeral_) return;
  Notices notices;
  {
    Lock lock(mutex_);
    structure_changed_ = !structure_.empty() || noting_;
    // Whoever is writing sees to it; and it is kept if it cannot be written now.
    if (!writing_ && !handed_over_ && structure_pending()) {
      // On a slow disk too: of a channel that was made, and may have been given what waited, the
      // next start has to know.
      [[maybe_unused]] const auto kept = write_all(lock, now, notices, Rest::HandOver);
    }
  }
  notices.make();
}

Result<void> Topic::await_structure() {
  Notices notices;
  Result<void> outcome;
  {
    Lock lock(mutex_);
    while (structure_changed_ && outcome && !exiting_) {
      if (writing_) {
        structure_noted_.wait(lock);
      } else {
        // Also if it was handed over: whoever is asked to will find it done.
        outcome = write_all(lock, last_moment_, notices, Rest::HandOver);
        // Perhaps the messages could not be written, but that is told to those who wait for them.
        if (!structure_changed_ || exiting_) outcome = {};
      }
    }
  }
  notices.make();
  return outcome;
}

void Topic::settle(Unanswered& publish, Result<void> outcome, Notices& notices) {
  if (publish.outcome != nullptr) {
    *publish.outcome = std::move(outcome);
  } else if (publish.waiter) {
    notices.published.push_back({std::move(publish.waiter), publish.ticket, std::move(outcome)});
  }
}

void Topic::settle_through(Index end, Notices& notices) {
  while (!unanswered_.empty() && unanswered_.front().end <= end) {
    settle(unanswered_.front(), {}, notices);
    unanswered_.pop_front();
  }
}

// Takes back what was appended and never seen by anyone. The indexes stay unused, and with them the
// ids: what reached the disk of these messages may come back after a power cut. Publishers also
// hear of it whose messages are there, but not what says to which channels they go; and all of
// them, if the topic goes.
void Topic::fail_unwritten(const Error& error, Notices& notices) {
  const Index taken = log_->end();
  const Index end = log_->drop_unwritten();
  log_->skip_to(taken);
  gaps_.add({end, taken});
  refused_.add({end, taken});
  const Index kept = exiting_ ? 0 : std::min(end, noted_end_);
  while (!unanswered_.empty() && unanswered_.back().end > kept) {
    Unanswered& publish = unanswered_.back();
    if (publish.end > end) {
      message_count_ -= publish.messages;
      message_bytes_ -= publish.bytes;
    }
    settle(publish, error, notices);
    unanswered_.pop_back();
  }
  while (!deferrals_.empty() && deferrals_.back().index >= end) deferrals_.pop_back();
}

void Topic::route(Index end, Moment now, Notices& notices) {
  if (held() || end <= routed_) return;
  std::vector<Channel::Deferral> deferred;
  while (!deferrals_.empty() && deferrals_.front().index < end) {
    const HeldDeferral& deferral = deferrals_.front();
    if (deferral.due > now.wall) deferred.push_back({deferral.index, now.instant_of(deferral.due)});
    deferrals_.pop_front();
  }
  for (const auto& [name, channel] : channels_) {
    channel->extend(end, deferred, gaps_, now, notices.consumers);
  }
  gaps_.erase_below(end);
  routed_ = end;
}

// --- syncing -----------------------------------------------------------------------------------

void Topic::request_sync() {
  if (syncing_ || ephemeral_ || exiting_) return;
  syncing_ = true;
  home_.work.submit(storage::WorkQueue::Lane::Sync,
                    [self = shared_from_this()] { self->run_sync(); });
}

// In the time an unsynced write may last, unless a sync is to come anyway.
void Topic::request_sync_later(Moment now) {
  if (sync_due_ != Instant::never()) return;
  sync_due_ = now.steady + home_.options.sync_timeout;
  home_.schedule.arm(shared_from_this(), sync_due_);
}

void Topic::run_sync() {
  Notices notices;
  for (bool more = true; more;) {
    bool with_journal = true;
    Index noted = 0;
    {
      Lock lock(mutex_);
      unsynced_messages_ = 0;
      with_journal = std::exchange(journal_sync_wanted_, false);
      noted = noted_end_;
    }
    const auto synced = log_->sync();
    Result<void> done = synced ? Result<void>() : Result<void>(synced.error());
    if (done && with_journal) done = journal_.sync();
    if (done) done = sync_new_directory();
    if (done && with_journal) {
      // A busy topic has written again by now, and keeps its files open.
      log_->close_if_synced();
      journal_.close_if_synced();
    }
    {
      Lock lock(mutex_);
      if (done) {
        if (std::exchange(sync_failed_, false)) home_.health.report(done);
        // An idle topic notes nothing, or each sync would be about the note of the one before.
        if (sound_ != *synced) {
          sound_ = *synced;
          sound_journaled_ = false;
          request_journal(last_moment_);
        }
        if (home_.options.durability == Durability::Fsync) {
          settle_through(std::min(synced->index, noted), notices);
        }
      } else {
        journal_sync_wanted_ = journal_sync_wanted_ || with_journal;
        fail_unsynced(done.error(), notices);
      }
      // More may have been written meanwhile that somebody waits for: one sync for all of it.
      more = done && home_.options.durability == Durability::Fsync && !unanswered_.empty() &&
             unanswered_.front().end <= noted_end_;
      if (!more) {
        end_sync();
        note_quiet(notices);
      }
    }
    notices.make();
  }
}

void Topic::fail_unsynced(const Error& error, Notices& notices) {
  Meters::count(home_.meters.sync_errors);
  log::error("TOPIC({}): cannot sync messages: {}", name_, error.to_string());
  home_.health.report(error);
  sync_failed_ = true;
  if (home_.options.durability != Durability::Fsync) return;
  // Written, and seen by consumers, but nobody knows whether it will last.
  while (!unanswered_.empty() && unanswered_.front().end <= visible_end_) {
    settle(unanswered_.front(), error, notices);
    unanswered_.pop_front();
  }
}

void Topic::end_sync() {
  syncing_ = false;
  // Written while it ran, or not synced because that failed: nobody else may come to ask.
  if (journal_sync_wanted_ || log_->has_unsynced() || sync_failed_) {
    request_sync_later(last_moment_);
  }
}

}  // namespace nsq::broker
