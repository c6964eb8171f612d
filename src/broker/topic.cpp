#include "broker/topic.h"

#include "base/assert.h"
#include "base/log.h"
#include "broker/broker_error.h"
#include "protocol/names.h"

namespace nsq::broker {
namespace {

// Where the indexes of a new log start: a measure of time, so that a topic deleted and created
// again, or a log that lost its end, does not use an index twice. It grows by 2^22 a second, and is
// used up in the year 2156.
constexpr std::int64_t kEpochSeconds = 1'577'836'800;  // 2020-01-01

storage::LogOptions log_options(const Options& options, bool on_disk, Moment now,
                                std::uint64_t seed) {
  storage::LogOptions log;
  log.on_disk = on_disk;
  log.identity = {seed, options.node_id};
  log.first = index_of_time(now.wall);
  log.max_bytes_per_file = options.max_bytes_per_file;
  log.window_messages = options.mem_queue_size;
  log.window_bytes = options.mem_queue_bytes;
  return log;
}

}  // namespace

Index index_of_time(Timestamp time) {
  const std::int64_t since =
      std::max<std::int64_t>(0, time.nanoseconds() - kEpochSeconds * 1'000'000'000);
  const auto seconds = static_cast<std::uint64_t>(since / 1'000'000'000);
  const auto rest = static_cast<std::uint64_t>(since % 1'000'000'000);
  return (seconds << 22 | (rest << 22) / 1'000'000'000) & storage::kMaxIndex;
}

void Topic::Notices::make() {
  for (const auto& [waiter, ticket, outcome] : published) waiter->on_published(ticket, outcome);
  published.clear();
  consumers.make();
  for (const auto& done : std::exchange(quiet, {})) done();
}

Topic::Topic(std::string name, std::string directory, const Home& home, Moment now,
             std::uint64_t seed)
    : name_(std::move(name)),
      ephemeral_(protocol::is_ephemeral(name_)),
      directory_(std::move(directory)),
      home_(home),
      seed_(seed),
      log_(std::make_shared<storage::MessageLog>(
          home.files, directory_, log_options(home.options, !ephemeral_, now, seed))),
      journal_(home.files, directory_ + "/journal", seed) {
  routed_ = visible_end_ = log_->end();
}

Topic::~Topic() = default;

// --- channels ----------------------------------------------------------------------------------

std::shared_ptr<Channel> Topic::make_channel(const std::string& name, std::uint32_t number) {
  const bool bounded = ephemeral_ || protocol::is_ephemeral(name);
  auto channel = std::make_shared<Channel>(
      name, bounded, number,
      Channel::Home{home_.options, home_.work, home_.schedule, home_.meters, log_,
                    [topic = weak_from_this()](Moment now) {
                      if (const auto self = topic.lock()) self->request_journal(now);
                    },
                    seed_ + number});
  channels_[name] = channel;
  return channel;
}

std::shared_ptr<Channel> Topic::find_channel(std::string_view name) const {
  Lock lock(mutex_);
  const auto found = channels_.find(name);
  return found == channels_.end() ? nullptr : found->second;
}

Result<std::shared_ptr<Channel>> Topic::channel(std::string_view name, Moment now) {
  Notices notices;
  std::shared_ptr<Channel> channel;
  {
    Lock lock(mutex_);
    if (exiting_) return Error(BrokerErrc::Exiting, "");
    if (const auto found = channels_.find(name); found != channels_.end()) return found->second;
    const bool was_held = held();
    channel = make_channel(std::string(name), next_channel_number_++);
    // What waits at the topic is still to come, for this channel as for all others.
    channel->start_at(routed_);
    deleted_.erase(channel->name());
    if (!ephemeral_ && !channel->ephemeral()) {
      journal::channel_created(structure_, channel->number(), routed_, name);
    }
    if (was_held && !held()) end_hold(now, notices);
  }
  log::info("TOPIC({}): new channel({})", name_, name);
  write_structure(now);
  notices.make();
  return channel;
}

void Topic::forget_channel(const std::shared_ptr<Channel>& channel, Moment now) {
  const bool was_held = held();
  channels_.erase(channel->name());
  if (!ephemeral_ && !channel->ephemeral()) {
    journal::channel_deleted(structure_, channel->number());
    deleted_.insert(channel->name());
  }
  if (!was_held && held()) begin_hold();
  request_maintenance(now.steady + home_.options.maintenance_interval);
  log::info("TOPIC({}): deleting channel {}", name_, channel->name());
}

Result<void> Topic::delete_channel(std::string_view name, Moment now) {
  std::shared_ptr<Channel> channel;
  {
    Lock lock(mutex_);
    const auto found = channels_.find(name);
    if (found == channels_.end()) return Error(BrokerErrc::ChannelNotFound, std::string(name));
    channel = found->second;
    forget_channel(channel, now);
  }
  channel->close();
  write_structure(now);
  return {};
}

bool Topic::delete_idle_channel(const std::shared_ptr<Channel>& channel, Moment now) {
  {
    Lock lock(mutex_);
    const auto found = channels_.find(channel->name());
    if (found == channels_.end() || found->second != channel) return false;
    if (!channel->close_if_idle()) return false;
    forget_channel(channel, now);
  }
  write_structure(now);
  return true;
}

std::vector<std::shared_ptr<Channel>> Topic::channels() const {
  Lock lock(mutex_);
  return channel_list();
}

std::vector<std::shared_ptr<Channel>> Topic::channel_list() const {
  std::vector<std::shared_ptr<Channel>> list;
  list.reserve(channels_.size());
  for (const auto& [name, channel] : channels_) list.push_back(channel);
  return list;
}

std::size_t Topic::channel_count() const {
  Lock lock(mutex_);
  return channels_.size();
}

std::vector<Topic::ChannelNote> Topic::channel_notes() const {
  std::vector<ChannelNote> notes;
  Lock lock(mutex_);
  for (const auto& [name, channel] : channels_) {
    if (!channel->ephemeral()) notes.push_back({name, channel->paused()});
  }
  return notes;
}

bool Topic::was_deleted(std::string_view channel) const {
  Lock lock(mutex_);
  return deleted_.contains(std::string(channel));
}

// --- holding messages back ---------------------------------------------------------------------

void Topic::begin_hold() {
  if (!ephemeral_) journal::routed(structure_, true, routed_);
}

void Topic::end_hold(Moment now, Notices& notices) {
  if (!ephemeral_) journal::routed(structure_, false, visible_end_);
  route(visible_end_, now, notices);
}

bool Topic::paused() const {
  Lock lock(mutex_);
  return paused_;
}

void Topic::set_paused(bool paused, Moment now) {
  Notices notices;
  {
    Lock lock(mutex_);
    const bool was_held = held();
    paused_ = paused;
    if (!was_held && held()) begin_hold();
    if (was_held && !held()) end_hold(now, notices);
  }
  write_structure(now);
  notices.make();
}

void Topic::hold() {
  Lock lock(mutex_);
  started_ = false;
}

void Topic::start(Moment now) {
  Notices notices;
  {
    Lock lock(mutex_);
    const bool was_held = held();
    started_ = true;
    if (was_held && !held() && !exiting_) end_hold(now, notices);
  }
  write_structure(now);
  notices.make();
}

void Topic::empty(Moment now) {
  Notices notices;
  {
    Lock lock(mutex_);
    const IndexRange dropped{routed_, visible_end_};
    for (const auto& [name, channel] : channels_) channel->discard(dropped, now, notices.consumers);
    routed_ = visible_end_;
    gaps_.erase_below(routed_);
    while (!deferrals_.empty() && deferrals_.front().index < routed_) deferrals_.pop_front();
    if (!ephemeral_) {
      journal::gap(structure_, dropped);
      journal::routed(structure_, held(), routed_);
    }
    request_maintenance(now.steady + home_.options.maintenance_interval);
  }
  write_structure(now);
  notices.make();
}

bool Topic::holds_messages() const {
  std::vector<std::shared_ptr<Channel>> channels;
  {
    Lock lock(mutex_);
    if (held_depth() > 0 || !unanswered_.empty() || writing_) return true;
    channels = channel_list();
  }
  return std::any_of(channels.begin(), channels.end(),
                     [](const auto& channel) { return channel->holds_messages(); });
}

bool Topic::exiting() const {
  Lock lock(mutex_);
  return exiting_;
}

void Topic::close() {
  std::vector<std::shared_ptr<Channel>> channels;
  {
    Lock lock(mutex_);
    exiting_ = true;
    channels = channel_list();
    channels_.clear();
  }
  for (const auto& channel : channels) channel->close();
}

bool Topic::close_if_empty() {
  Lock lock(mutex_);
  if (channels_.empty()) exiting_ = true;
  return exiting_;
}

void Topic::call_when_quiet(std::function<void()> done) {
  Notices notices;
  {
    Lock lock(mutex_);
    NSQ_ASSERT(exiting_);
    when_quiet_.push_back(std::move(done));
    note_quiet(notices);
  }
  notices.make();
}

void Topic::note_quiet(Notices& notices) {
  if (!exiting_ || writing_ || handed_over_ || syncing_) return;
  notices.quiet = std::exchange(when_quiet_, {});
}

// --- stats -------------------------------------------------------------------------------------

std::uint64_t Topic::held_depth() const {
  const IndexRange waiting{routed_, visible_end_};
  return waiting.count() - gaps_.count_in(waiting);
}

TopicStats Topic::stats(const StatsFilter& filter, Moment now) const {
  TopicStats stats;
  std::vector<std::shared_ptr<Channel>> channels;
  const Index window_begin = log_->window_begin();
  {
    Lock lock(mutex_);
    stats.name = name_;
    stats.depth = held_depth();
    if (window_begin > routed_) {
      const IndexRange behind{routed_, std::min(window_begin, visible_end_)};
      stats.backend_depth = behind.count() - gaps_.count_in(behind);
    }
    stats.message_count = message_count_;
    stats.message_bytes = message_bytes_;
    stats.dropped_count = dropped_count_;
    stats.paused = paused_;
    channels = channel_list();
  }
  stats.disk_bytes = log_->disk_bytes();
  stats.damaged_count = log_->damaged() + journal_.damaged();
  LatencyWindow latency(home_.options.e2e_processing_latency_percentiles,
                        home_.options.e2e_processing_latency_window_time);
  for (const auto& channel : channels) {
    channel->add_latency_to(latency, now);
    if (!filter.channel.empty() && filter.channel != channel->name()) continue;
    stats.channels.push_back(channel->stats(filter.clients, now));
  }
  stats.e2e_processing_latency = latency.stats(now.steady);
  return stats;
}

// --- time --------------------------------------------------------------------------------------

Instant Topic::advance(Moment now) {
  bool flush = false;
  bool maintain_now = false;
  Instant next;
  {
    Lock lock(mutex_);
    if (exiting_) return Instant::never();
    last_moment_ = now;
    if (journal_requested_.exchange(false)) {
      flush = true;
      request_maintenance(now.steady + home_.options.maintenance_interval);
    }
    if (sync_due_ <= now.steady) {
      sync_due_ = Instant::never();
      journal_sync_wanted_ = true;
      request_sync();
    }
    if (maintenance_due_ <= now.steady) {
      maintenance_due_ = Instant::never();
      maintain_now = true;
    }
    next = std::min(sync_due_, maintenance_due_);
  }
  using Lane = storage::WorkQueue::Lane;
  if (flush) {
    home_.work.submit(Lane::Journal,
                      [self = shared_from_this(), now] { self->flush_journal(now); });
  }
  if (maintain_now) {
    home_.work.submit(Lane::Background, [self = shared_from_this(), now] { self->maintain(now); });
  }
  return next;
}

}  // namespace nsq::broker
