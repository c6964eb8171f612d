#include "fault/log_story.h"

#include <algorithm>

#include "base/bytes.h"

namespace nsq::fault {

using namespace storage;
using test::Bodies;
using test::LogFixture;
using Call = test::MemoryFileSystem::Call;

namespace {

LogOptions random_options(std::mt19937_64& random) {
  LogOptions options;
  options.max_bytes_per_file = 200 + random() % 4000;
  options.window_messages = random() % 100;
  options.identity = {random(), static_cast<std::uint32_t>(random() % 1024)};
  return options;
}

std::string journal_path() {
  return LogFixture::kDirectory + "/journal";
}

[[noreturn]] void fail(const std::string& what) {
  throw Failure(what);
}

}  // namespace

LogStory::LogStory(std::uint64_t seed, Troubles troubles)
    : random_(seed), troubles_(troubles), fixture_(random_options(random_)) {
  journal_ = std::make_unique<Journal>(*fixture_.files, journal_path(), seed);
}

void LogStory::run(int steps) {
  for (int i = 0; i < steps; ++i) step();
  restart();
}

void LogStory::step() {
  switch (below(16)) {
    case 0:
    case 1:
      return sync();
    case 2:
    case 3:
      return finish();
    case 4:
      return give_up_space();
    case 5:
      return rewrite();
    case 6:
      return trouble();
    case 7:
      if (chance(0.5)) return restart();
      return check_reading();
    default:
      return publish();
  }
}

void LogStory::publish() {
  MessageLog& log = *fixture_.log;
  const std::size_t first_new = batches_.size();
  const std::uint64_t batches = 1 + below(3);
  while (batches_.size() < first_new + batches) {
    Batch batch;
    for (std::uint64_t n = chance(0.6) ? 1 : 1 + below(8); n > 0; --n) {
      const std::size_t bytes = chance(0.02) ? below(5000) : below(200);
      batch.bodies.push_back(std::to_string(published_++) + std::string(bytes, '.'));
    }
    batch.range = fixture_.append_batch(batch.bodies);
    batches_.push_back(std::move(batch));
  }
  while (log.has_unwritten()) {
    if (log.write()) continue;
    if (chance(0.3) && log.write()) continue;  // trying once more
    const Index end = log.drop_unwritten();
    for (std::size_t i = first_new; i < batches_.size(); ++i) {
      if (batches_[i].range.begin >= end) batches_[i].certain = false;
    }
  }
}

void LogStory::sync() {
  const auto position = fixture_.log->sync();
  sync_failed_ = !position;
  if (!position) return;
  synced_end_ = position->index;
  note_position(*position);
}

void LogStory::note_position(const LogPosition& position) {
  std::string entry(24, '\0');
  store_little(entry.data(), position.segment);
  store_little(entry.data() + 8, position.offset);
  store_little(entry.data() + 16, position.index);
  if (!fixture_.files->exists(LogFixture::kDirectory)) return;
  // Both may fail: then it is not noted, or not for sure.
  [[maybe_unused]] const auto appended =
      chance(0.1) ? journal_->rewrite([&] { return entry; }) : journal_->append(entry);
  if (chance(0.5)) [[maybe_unused]]
    const auto synced = journal_->sync();
}

std::optional<LogPosition> LogStory::noted_position() {
  journal_ = std::make_unique<Journal>(*fixture_.files, journal_path(), 1);
  std::optional<LogPosition> position;
  const auto replayed = journal_->replay([&](std::string_view entry) {
    position = LogPosition{load_little<std::uint64_t>(entry.data()),
                           load_little<std::uint64_t>(entry.data() + 8),
                           load_little<std::uint64_t>(entry.data() + 16)};
  });
  if (!replayed) fail("the journal cannot be replayed: " + replayed.error().to_string());
  return position;
}

void LogStory::finish() {
  if (batches_.empty()) return;
  // Mostly the oldest; sometimes any, and not all of a batch.
  const Index begin = floor();
  const Index end = fixture_.log->end();
  if (begin >= end) return;
  if (chance(0.7)) {
    finished_.add({0, std::min(end, begin + below(30))});
  } else {
    const Index at = batches_[below(batches_.size())].range.begin;
    finished_.add({at, std::min(end, at + 1 + below(20))});
  }
}

Index LogStory::floor() const {
  return finished_.next_absent(0);
}

void LogStory::give_up_space() {
  const auto released = fixture_.log->release(floor());
  // What cannot be removed stays until somebody looks; that does no harm.
  [[maybe_unused]] const auto removed = fixture_.log->remove(released);
}

void LogStory::rewrite() {
  const auto sealed = fixture_.log->sealed_segments();
  if (sealed.empty()) return;
  const auto& segment = sealed[below(sealed.size())];
  IntervalSet keep;
  for (const Batch& batch : batches_) {
    for (Index index = batch.range.begin; index < batch.range.end; ++index) {
      if (!finished_.contains(index)) keep.add(index);
    }
  }
  [[maybe_unused]] const auto done = fixture_.log->rewrite(segment.first, keep);
}

void LogStory::trouble() {
  if (!troubles_.disk) return;
  test::MemoryFileSystem& files = *fixture_.files;
  if (chance(0.5)) {
    files.set_capacity(std::nullopt);
    files.stop_failing();
  } else if (chance(0.3)) {
    files.set_capacity(files.used_bytes() + below(3000));
  } else {
    const Call calls[] = {Call::Open, Call::Read,   Call::Write,  Call::Sync,
                          Call::Sync, Call::Rename, Call::Remove, Call::SyncDirectory};
    files.fail(calls[below(std::size(calls))], 1 + below(5), std::errc::io_error, 1 + below(2));
  }
}

void LogStory::restart() {
  if (chance(0.3)) sync();
  const bool power = troubles_.power && chance(0.7);
  if (!power && sync_failed_) {
    // That a sync has failed only this process knows; killed now, it would leave a file that looks
    // as if it could be synced.
    fixture_.files->stop_failing();
    fixture_.files->set_capacity(std::nullopt);
    sync();
  }
  if (!power) {
    fixture_.crash();
  } else if (chance(0.2)) {
    fixture_.lose_power();
  } else {
    fixture_.lose_power(random_());
  }
  // The kernel has all that was written, also what it has not brought to the disk.
  const Index safe_end = power ? synced_end_ : fixture_.log->end();
  const auto recovery = fixture_.reopen(noted_position());
  if (!recovery) fail("recovery failed: " + recovery.error().to_string());
  if (!troubles_.power && !troubles_.disk && recovery->damaged > 0) fail("there is damage");
  check(*recovery, safe_end);
  const Index end = fixture_.log->end();
  synced_end_ = power ? end : std::min(synced_end_, end);
  // Behind everything that was said of any message, at least.
  fixture_.log->skip_to(troubles_.skip ? end + 10'000 : finished_.end());
  finished_.add({end, fixture_.log->end()});
  check_reading();
}

// Compares what is there with what was published, and goes on with what is there.
void LogStory::check(const MessageLog::Recovery& recovery, Index safe_end) {
  const Bodies found = fixture_.read_all();
  if (!found.empty() && found.rbegin()->first >= recovery.end) fail("a record is behind the end");
  Bodies explained;
  for (Batch& batch : batches_) {
    std::size_t there = 0;
    std::size_t finished = 0;
    for (std::size_t i = 0; i < batch.bodies.size(); ++i) {
      const Index index = batch.range.begin + i;
      const auto record = found.find(index);
      const bool here = record != found.end() && record->second == batch.bodies[i];
      if (here) explained[index] = record->second;
      if (here) ++there;
      if (!here && finished_.contains(index)) ++finished;
    }
    const std::string name =
        "batch " + std::to_string(batch.range.begin) + "-" + std::to_string(batch.range.end);
    // What is missing of it must be what was finished before, or it must be missing as a whole.
    const bool whole = there + finished == batch.bodies.size();
    if (!whole && there > 0) fail(name + " is there in part");
    if (!whole && batch.certain && batch.range.end <= safe_end) fail(name + " is lost");
    // What is gone may come back with the next power failure, if that it was removed has not come
    // to the disk by then.
    batch.certain = there > 0;
  }
  if (explained != found) fail("there are records nobody published, or not like this");
}

void LogStory::check_reading() {
  const Index end = fixture_.log->end();
  auto found = test::read_bodies(*fixture_.log, 0, end);
  if (!found) return;  // a failing disk
  for (const Batch& batch : batches_) {
    if (!batch.certain) continue;
    for (std::size_t i = 0; i < batch.bodies.size(); ++i) {
      const Index index = batch.range.begin + i;
      const auto record = found->find(index);
      if (record != found->end() && record->second == batch.bodies[i]) continue;
      if (record == found->end() && finished_.contains(index)) continue;
      fail("message " + std::to_string(index) + " reads wrong");
    }
  }
}

}  // namespace nsq::fault
