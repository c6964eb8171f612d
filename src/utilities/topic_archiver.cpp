#include "utilities/topic_archiver.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace nsq::utilities {

TopicArchiver::TopicArchiver(Setup setup, std::unique_ptr<Archive> archive)
    : setup_(std::move(setup)),
      subject_(fmt::format("[{}/{}]", setup_.topic, setup_.channel)),
      archive_(std::move(archive)) {}

TopicArchiver::~TopicArchiver() {
  finish();
}

Result<std::unique_ptr<TopicArchiver>> TopicArchiver::start(Setup setup,
                                                            std::unique_ptr<Archive> archive) {
  std::unique_ptr<TopicArchiver> archiver(new TopicArchiver(std::move(setup), std::move(archive)));
  if (auto connected = archiver->connect(); !connected) return connected.error();
  return archiver;
}

Result<void> TopicArchiver::connect() {
  ConsumerOptions options;
  options.topic = setup_.topic;
  options.channel = setup_.channel;
  options.config = setup_.consumer;
  options.logging = setup_.logging;
  options.batch_handler = [this](std::span<Message> messages) { on_messages(messages); };
  auto created = Consumer::create(std::move(options));
  if (!created) return created.error();
  consumer_.emplace(std::move(*created));
  next_tick_ = Instant::now() + setup_.sync_interval;
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "nsq-archive");
    run();
  });
  if (!setup_.source.lookupd_http_address.empty()) {
    return consumer_->start_lookups(setup_.source.lookupd_http_address);
  }
  return consumer_->connect_to_nsqds(setup_.source.nsqd_tcp_address);
}

void TopicArchiver::reopen() {
  const Lock lock(mutex_);
  work_.reopens = true;
  changed_.notify_one();
}

void TopicArchiver::stop() {
  {
    const Lock lock(mutex_);
    work_.stops = true;
    changed_.notify_one();
  }
  if (consumer_) consumer_->stop();
}

bool TopicArchiver::finish() {
  stop();
  if (consumer_) consumer_->wait();
  {
    const Lock lock(mutex_);
    work_.ends = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
  return !lacks_room_ && !has_failed_;
}

// --- the consumer's thread
// ------------------------------------------------------------------------

void TopicArchiver::on_messages(std::span<Message> messages) {
  for (Message& message : messages) message.disable_auto_response();
  const Lock lock(mutex_);
  work_.messages.insert(work_.messages.end(), messages.begin(), messages.end());
  changed_.notify_one();
}

// --- the archive's thread
// -------------------------------------------------------------------------

void TopicArchiver::run() {
  bool goes_on = true;
  while (goes_on) {
    Work work = wait_for_work(next_deadline());
    goes_on = !work.ends;
    if (!has_failed_) {
      if (const auto done = do_work(work, Moment::now()); !done) on_error(done.error());
    }
    // Those that a failure kept from being written.
    for (Message& message : work.messages) message.requeue(Duration::zero());
  }
  if (has_failed_) return;
  if (const auto closed = archive_->close(); !closed) on_error(closed.error());
  finish_synced();
}

TopicArchiver::Work TopicArchiver::wait_for_work(Instant deadline) {
  Lock lock(mutex_);
  while (work_.messages.empty() && !work_.reopens && !work_.ends &&
         !(work_.stops && !kept_.empty())) {
    if (changed_.wait_until(lock, deadline.to_steady()) == std::cv_status::timeout) break;
  }
  Work taken = std::exchange(work_, {});
  work_.stops = taken.stops;
  work_.ends = taken.ends;
  return taken;
}

Instant TopicArchiver::next_deadline() const {
  if (has_failed_) return Instant::now() + std::chrono::hours(1);  // there is only the end to come
  if (kept_.empty()) return next_tick_;
  return std::min({next_tick_, next_touch(), longest_kept_until()});
}

Instant TopicArchiver::next_touch() const {
  return kept_.front().touched + timeout_ / 2;
}
Instant TopicArchiver::longest_kept_until() const {
  return kept_.front().since + max_timeout_ / 2;
}

Result<void> TopicArchiver::do_work(Work& work, Moment now) {
  touch(now.steady);
  if (auto written = write(work.messages, now); !written) return written;
  const bool is_tick = now.steady >= next_tick_;
  if (is_tick) {
    next_tick_ = now.steady + setup_.sync_interval;
    if (auto ticked = archive_->tick(now); !ticked) return ticked;
  }
  wants_reopening_ = wants_reopening_ || work.reopens;
  if (is_tick || wants_reopening_ || work.stops || wants_sync_ || is_sync_urgent(now.steady)) {
    if (auto synced = sync(); !synced) return synced;
  }
  if (!wants_reopening_) return {};
  auto closed = archive_->close();
  wants_reopening_ = !closed;
  return closed;
}

// Moves out of `messages` what is in the archive.
Result<void> TopicArchiver::write(std::vector<Message>& messages, Moment now) {
  const auto most = static_cast<std::size_t>(setup_.consumer.max_in_flight);
  std::size_t count = 0;
  Result<void> result;
  while (count < messages.size() && result) {
    const auto appended = archive_->append(messages[count].body(), now);
    if (!appended) {
      result = appended.error();
      break;
    }
    wants_sync_ = wants_sync_ || *appended;
    timeout_ = std::min<Duration>(timeout_, messages[count].timeout());
    max_timeout_ = std::min<Duration>(max_timeout_, messages[count].max_timeout());
    kept_.push_back({std::move(messages[count]), now.steady, now.steady});
    ++count;
    if (kept_.size() >= most) result = sync();
  }
  messages.erase(messages.begin(), messages.begin() + static_cast<std::ptrdiff_t>(count));
  if (result) result = archive_->write();
  return result;
}

Result<void> TopicArchiver::sync() {
  wants_sync_ = false;
  const std::uint64_t before = archive_->synced();
  if (!kept_.empty()) log::info("{} syncing {} records to disk", subject_, kept_.size());
  auto synced = archive_->sync();
  if (!synced) return synced;
  finish_synced();
  if (archive_->synced() == before) return {};  // which says nothing about the disk
  if (std::exchange(lacks_room_, false)) log::info("{} there is room again", subject_);
  return {};
}

// A daemon waits for answers before it sends more, or a message has been kept as long as it may.
bool TopicArchiver::is_sync_urgent(Instant now) const {
  return !kept_.empty() && (consumer_->is_starved() || now >= longest_kept_until());
}

void TopicArchiver::finish_synced() {
  while (finished_ < archive_->synced()) {
    kept_.front().message.finish();
    kept_.pop_front();
    ++finished_;
  }
}

void TopicArchiver::touch(Instant now) {
  if (kept_.empty() || now < next_touch()) return;
  for (Kept& kept : kept_) {
    kept.message.touch();
    kept.touched = now;
  }
}

void TopicArchiver::on_error(const Error& error) {
  finish_synced();  // what was on the disk before
  if (is_lack_of_room(error)) {
    if (!std::exchange(lacks_room_, true)) {
      log::error("{} {}: messages go back until there is room", subject_, error.to_string());
    }
    archive_->discard_unsynced();
    return give_back();
  }
  has_failed_ = true;
  log::fatal("{} {}", subject_, error.to_string());
  give_back();
  consumer_->stop(Stop::GiveBack);
  setup_.on_failure(error);
}

void TopicArchiver::give_back() {
  for (Kept& kept : kept_) kept.message.requeue(Duration::zero());
  kept_.clear();
}

}  // namespace nsq::utilities
