#include "broker/broker.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <thread>

#include "base/log.h"
#include "protocol/names.h"

namespace nsq::broker {
namespace {

// What remains of a deleted topic until its files are removed; no topic's directory begins so, as
// an @ is in nobody's name.
constexpr std::string_view kTrashPrefix = "@trash@";
constexpr int kSubscribeAttempts = 10;

// Of a topic's directory.
std::uint64_t number_in(std::string_view name) {
  std::uint64_t number = 0;
  const std::string_view digits = name.substr(name.rfind('@') + 1);
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

}  // namespace

Broker::Broker(Options options, std::string data_path, std::string version,
               storage::FileSystem& files, storage::WorkQueue& work,
               std::function<void(Instant)> on_earlier_deadline, std::uint64_t seed)
    : options_(std::move(options)),
      data_path_(data_path.empty() ? "." : std::move(data_path)),
      version_(std::move(version)),
      files_(files),
      work_(work),
      schedule_(std::move(on_earlier_deadline)),
      reserve_(std::make_shared<Reserve>(data_path_ + "/reserve", options_.reserve_bytes,
                                         Reserve::Home{files_, work_, schedule_, health_})),
      seed_(seed) {}

Broker::~Broker() = default;

std::uint64_t Broker::next_seed() {
  // splitmix64: neighbouring states give unrelated seeds.
  std::uint64_t mixed = (seed_ += 0x9e3779b97f4a7c15ULL);
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ULL;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebULL;
  return mixed ^ (mixed >> 31);
}

Instant Broker::advance(Moment now) {
  return schedule_.advance(now);
}

bool Broker::holds_messages() const {
  const auto all = topics();
  return std::any_of(all.begin(), all.end(),
                     [](const auto& topic) { return topic->holds_messages(); });
}

bool Broker::has_channel(std::string_view topic, std::string_view channel) const {
  const auto found = find_topic(topic);
  return found && found->find_channel(channel);
}

// --- topics ------------------------------------------------------------------------------------

std::shared_ptr<Topic> Broker::topic(std::string_view name, Moment now) {
  std::shared_ptr<Topic> topic;
  {
    Lock lock(mutex_);
    if (const auto found = topics_.find(name); found != topics_.end()) return found->second;
  }
  const bool hold = observer_ != nullptr && observer_->holds_new_topics();
  {
    Lock lock(mutex_);
    if (const auto found = topics_.find(name); found != topics_.end()) return found->second;
    topic = std::make_shared<Topic>(std::string(name), new_directory(name, now), home(), now,
                                    next_seed());
    if (hold) topic->hold();
    topics_.emplace(name, topic);
  }
  log::info("TOPIC({}): created", name);
  if (observer_ != nullptr) observer_->on_topic_created(topic);
  if (!topic->ephemeral()) request_persist(nullptr);
  return topic;
}

// Named after the moment too, so that a topic deleted and created again does not meet its own
// remains; and later ones have higher numbers, whatever the clock does, so that of two it is known
// which has been deleted.
std::string Broker::new_directory(std::string_view topic, Moment now) {
  last_directory_ = std::max(last_directory_ + 1, index_of_time(now.wall));
  return topics_path() + "/" + std::string(topic) + "@" + std::to_string(last_directory_);
}

std::shared_ptr<Topic> Broker::find_topic(std::string_view name) const {
  Lock lock(mutex_);
  const auto found = topics_.find(name);
  return found == topics_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<Topic>> Broker::topics() const {
  std::vector<std::shared_ptr<Topic>> list;
  Lock lock(mutex_);
  for (const auto& [name, topic] : topics_) list.push_back(topic);
  return list;
}

void Broker::tell_changed(const std::string& topic) {
  if (observer_ != nullptr) observer_->on_topic_changed(topic);
}

// Closes an ephemeral topic without channels, and has it found no longer in the same moment:
// whoever is refused by it finds another, or makes it.
bool Broker::retire_if_empty(const std::shared_ptr<Topic>& topic) {
  if (!topic->ephemeral()) return false;
  Lock lock(mutex_);
  if (!topic->close_if_empty()) return false;
  const auto found = topics_.find(topic->name());
  if (found != topics_.end() && found->second == topic) topics_.erase(found);
  return true;
}

void Broker::remove_topic(std::shared_ptr<Topic> topic, Done done) {
  {
    Lock lock(mutex_);
    const auto found = topics_.find(topic->name());
    if (found != topics_.end() && found->second == topic) topics_.erase(found);
  }
  topic->close();
  log::info("TOPIC({}): deleting", topic->name());
  tell_changed(topic->name());
  if (topic->ephemeral()) {
    if (done) done({});
    return;
  }
  topic->call_when_quiet(
      [this, name = topic->name(), directory = topic->directory(), done = std::move(done)] {
        work_.submit(storage::WorkQueue::Lane::Background,
                     [=, this] { remove_files(name, directory, done); });
      });
}

void Broker::remove_files(const std::string& name, const std::string& directory, const Done& done) {
  const std::string trash = trash_path(directory);
  Result<void> moved;
  if (files_.exists(directory)) moved = files_.rename(directory, trash);
  if (moved) moved = files_.sync_directory(topics_path());
  if (!moved) {
    log::error("TOPIC({}): cannot remove the files: {}", name, moved.error().to_string());
  }
  request_persist([moved, done](Result<void> persisted) {
    if (done) done(moved ? persisted : moved);
  });
  remove_trash(trash);
}

std::string Broker::trash_path(const std::string& directory) const {
  return topics_path() + "/" + std::string(kTrashPrefix) +
         directory.substr(topics_path().size() + 1);
}

void Broker::remove_trash(const std::string& trash) {
  if (auto removed = files_.remove_tree(trash); !removed) {
    log::error("{}: {}", trash, removed.error().to_string());
  }
}

// --- subscriptions -----------------------------------------------------------------------------

Result<std::shared_ptr<Subscription>> Broker::subscribe(std::string_view topic_name,
                                                        std::string_view channel_name,
                                                        std::shared_ptr<Consumer> consumer,
                                                        SubscriptionOptions options, Moment now) {
  if (draining() && !has_channel(topic_name, channel_name)) return Error(BrokerErrc::Draining, "");
  // An ephemeral topic or channel may be going just now; the next try makes a new one.
  for (int attempt = 1;; ++attempt) {
    const auto topic = this->topic(topic_name, now);
    const bool is_new = topic->find_channel(channel_name) == nullptr;
    auto channel = topic->channel(channel_name, now);
    Result<std::shared_ptr<Subscription>> subscribed =
        channel ? (*channel)->subscribe(consumer, options) : channel.error();
    if (channel && is_new) tell_changed(topic->name());
    if (channel && is_new && !topic->ephemeral() && !(*channel)->ephemeral()) {
      request_persist(nullptr);
    }
    if (subscribed || subscribed.error() != make_error_code(BrokerErrc::Exiting)) return subscribed;
    if (attempt == kSubscribeAttempts) return subscribed;
  }
}

void Broker::unsubscribe(const std::shared_ptr<Subscription>& subscription, Moment now) {
  Channel& channel = subscription->channel();
  const bool last = channel.unsubscribe(*subscription, now);
  if (last && channel.ephemeral()) clean_up_after(channel.shared_from_this(), now);
}

// An ephemeral channel has lost its last consumer.
void Broker::clean_up_after(const std::shared_ptr<Channel>& channel, Moment now) {
  for (const auto& topic : topics()) {
    if (topic->find_channel(channel->name()) != channel) continue;
    if (!topic->delete_idle_channel(channel, now)) return;
    tell_changed(topic->name());
    if (retire_if_empty(topic)) remove_topic(topic, nullptr);
    return;
  }
}

// --- administration ----------------------------------------------------------------------------

void Broker::create_topic(std::string_view name, Moment now, Done done) {
  if (draining() && !find_topic(name)) return done(Error(BrokerErrc::Draining, ""));
  topic(name, now);
  request_persist(std::move(done));
}

void Broker::delete_topic(std::string_view name, Moment, Done done) {
  auto found = find_topic(name);
  if (!found) return done(Error(BrokerErrc::TopicNotFound, std::string(name)));
  remove_topic(std::move(found), std::move(done));
}

void Broker::empty_topic(std::string_view name, Moment now, Done done) {
  const auto found = find_topic(name);
  if (!found) return done(Error(BrokerErrc::TopicNotFound, std::string(name)));
  found->empty(now);
  request_persist(std::move(done));
}

void Broker::pause_topic(std::string_view name, bool paused, Moment now, Done done) {
  const auto found = find_topic(name);
  if (!found) return done(Error(BrokerErrc::TopicNotFound, std::string(name)));
  found->set_paused(paused, now);
  request_persist(std::move(done));
}

void Broker::create_channel(std::string_view topic, std::string_view channel, Moment now,
                            Done done) {
  const auto found = find_topic(topic);
  if (!found) return done(Error(BrokerErrc::TopicNotFound, std::string(topic)));
  if (draining() && !found->find_channel(channel)) return done(Error(BrokerErrc::Draining, ""));
  if (auto created = found->channel(channel, now); !created) {
    return done(Error(BrokerErrc::TopicNotFound, std::string(topic)));  // just being deleted
  }
  tell_changed(found->name());
  request_persist(std::move(done));
}

void Broker::delete_channel(std::string_view topic, std::string_view channel, Moment now,
                            Done done) {
  const auto found = find_topic(topic);
  if (!found) return done(Error(BrokerErrc::TopicNotFound, std::string(topic)));
  if (auto deleted = found->delete_channel(channel, now); !deleted) return done(deleted);
  tell_changed(found->name());
  if (retire_if_empty(found)) return remove_topic(found, std::move(done));
  request_persist(std::move(done));
}

void Broker::empty_channel(std::string_view topic, std::string_view channel, Moment now,
                           Done done) {
  const auto found = find_topic(topic);
  if (!found) return done(Error(BrokerErrc::TopicNotFound, std::string(topic)));
  const auto emptied = found->find_channel(channel);
  if (!emptied) return done(Error(BrokerErrc::ChannelNotFound, std::string(channel)));
  emptied->empty(now);
  done({});
}

void Broker::pause_channel(std::string_view topic, std::string_view channel, bool paused, Moment,
                           Done done) {
  const auto found = find_topic(topic);
  if (!found) return done(Error(BrokerErrc::TopicNotFound, std::string(topic)));
  const auto changed = found->find_channel(channel);
  if (!changed) return done(Error(BrokerErrc::ChannelNotFound, std::string(channel)));
  changed->set_paused(paused);
  request_persist(std::move(done));
}

std::vector<TopicStats> Broker::stats(const StatsFilter& filter, Moment now) const {
  std::vector<TopicStats> stats;
  for (const auto& topic : topics()) {
    if (!filter.topic.empty() && filter.topic != topic->name()) continue;
    TopicStats found = topic->stats(filter, now);
    if (!filter.channel.empty() && found.channels.empty()) continue;
    stats.push_back(std::move(found));
  }
  return stats;
}

// --- nsqd.dat ----------------------------------------------------------------------------------

void Broker::request_persist(Done done) {
  {
    Lock lock(mutex_);
    if (done) persist_waiters_.push_back(std::move(done));
    if (std::exchange(persist_requested_, true)) return;
  }
  work_.submit(storage::WorkQueue::Lane::Metadata, [this] { persist(); });
}

void Broker::persist() {
  std::vector<Done> waiters;
  {
    Lock lock(mutex_);
    persist_requested_ = false;
    waiters.swap(persist_waiters_);
  }
  // What was changed is in the topics' journals as well; both are on disk when the waiters hear of
  // it.
  Result<void> written;
  for (const auto& topic : topics()) {
    if (auto synced = topic->sync_structure(); !synced && written) written = synced;
  }
  if (written) written = write_metadata();
  if (!written) {
    Meters::count(meters_.metadata_errors);
    log::error("cannot persist the metadata: {}", written.error().to_string());
    health_.report(written);
  }
  for (const Done& done : waiters) done(written);
}

Result<void> Broker::write_metadata() {
  Metadata metadata;
  for (const auto& topic : topics()) {
    if (topic->ephemeral()) continue;
    Metadata::Topic note{topic->name(), topic->paused(), {}};
    for (auto& [name, paused] : topic->channel_notes()) note.channels.push_back({name, paused});
    metadata.topics.push_back(std::move(note));
  }
  const std::string json = metadata.to_json(version_);
  auto written = storage::replace_file(files_, metadata_path(), json);
  // No time is at hand here; one long past has the reserve tried again at once.
  if (!written && reserve_->give_up(written.error(), Moment{})) {
    written = storage::replace_file(files_, metadata_path(), json);
  }
  return written;
}

Metadata Broker::load_metadata() {
  if (!files_.exists(metadata_path())) return {};
  const auto text = storage::read_file(files_, metadata_path());
  auto metadata = text ? Metadata::from_json(*text) : Result<Metadata>(text.error());
  if (metadata) return *metadata;
  // The logs know which topics and channels there are; what is lost is which were paused.
  log::error("failed to parse metadata in {} - {}; it is set aside as nsqd.dat.bad",
             metadata_path(), metadata.error().to_string());
  if (auto moved = files_.rename(metadata_path(), metadata_path() + ".bad"); !moved) {
    log::error("{}", moved.error().to_string());
  }
  return {};
}

// --- starting and stopping ---------------------------------------------------------------------

// The topics that have a directory, and which it is.
Result<std::map<std::string, std::string>> Broker::find_directories() {
  std::map<std::string, std::string> directories;
  auto names = files_.list(topics_path());
  if (!names) return names.error();
  const auto remove_later = [this](const std::string& trash) {
    work_.submit(storage::WorkQueue::Lane::Background, [this, trash] { remove_trash(trash); });
  };
  std::sort(names->begin(), names->end(), [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
  });
  for (const std::string& name : *names) {
    const std::string path = topics_path() + "/" + name;
    const auto at = name.rfind('@');
    if (at == std::string::npos) continue;
    if (name.starts_with(kTrashPrefix)) {
      remove_later(path);
      continue;
    }
    const std::string topic = name.substr(0, at);
    if (!protocol::is_valid_name(topic)) continue;
    Lock lock(mutex_);
    last_directory_ = std::max(last_directory_, number_in(name));
    // Of two, the later one counts; the other belongs to a topic deleted before, and would be taken
    // for it again once the later one is gone.
    std::string& counts = directories[topic];
    if (!counts.empty()) {
      const std::string trash = trash_path(counts);
      if (auto moved = files_.rename(counts, trash); !moved) {
        log::error("{}", moved.error().to_string());
      } else {
        remove_later(trash);
      }
    }
    counts = path;
  }
  return directories;
}

Result<void> Broker::load_topic(const Metadata::Topic& note, const std::string& directory,
                                Moment now) {
  std::shared_ptr<Topic> topic;
  {
    Lock lock(mutex_);
    const std::string path = directory.empty() ? new_directory(note.name, now) : directory;
    topic = std::make_shared<Topic>(note.name, path, home(), now, next_seed());
  }
  std::vector<std::string> noted;
  for (const Metadata::Channel& channel : note.channels) noted.push_back(channel.name);
  if (auto recovered = topic->recover(note.paused, noted, now); !recovered) return recovered;
  const bool missing =
      std::any_of(note.channels.begin(), note.channels.end(), [&](const auto& each) {
        return !topic->find_channel(each.name) && !topic->was_deleted(each.name);
      });
  // Channels only the metadata knows all get what waits, not just the first of them.
  if (missing && !note.paused) topic->set_paused(true, now);
  for (const Metadata::Channel& channel : note.channels) {
    if (topic->was_deleted(channel.name)) continue;
    auto made = topic->channel(channel.name, now);
    if (!made) return made.error();
    (*made)->set_paused(channel.paused);
  }
  if (missing && !note.paused) topic->set_paused(false, now);
  log::info("TOPIC({}): loaded", note.name);
  Lock lock(mutex_);
  topics_[note.name] = std::move(topic);
  return {};
}

Result<void> Broker::load(Moment now) {
  if (auto made = files_.create_directory(topics_path()); !made) return made;
  auto directories = find_directories();
  if (!directories) return directories.error();
  Metadata metadata = load_metadata();
  for (const auto& directory : *directories) {
    const std::string& name = directory.first;
    const bool known = std::any_of(metadata.topics.begin(), metadata.topics.end(),
                                   [&](const auto& topic) { return topic.name == name; });
    if (!known) metadata.topics.push_back({name, false, {}});
  }
  for (const Metadata::Topic& topic : metadata.topics) {
    if (auto loaded = load_topic(topic, (*directories)[topic.name], now); !loaded) return loaded;
  }
  auto written = write_metadata();
  reserve_->hold(now);
  // On a full disk consumers are served all the same: they make room.
  if (written || !Reserve::is_full(written.error())) return written;
  log::error("cannot persist the metadata: {}", written.error().to_string());
  return {};
}

// Each topic waits for a disk that can do several syncs in the time of one: thousands of topics are
// shut down by some threads together.
Result<void> Broker::shut_down(Moment now) {
  constexpr std::size_t most_threads = 16;
  constexpr std::size_t worth_a_thread = 32;  // topics
  Result<void> done = write_metadata();
  const auto all = topics();
  std::atomic<std::size_t> next{0};
  Mutex mutex;  // of `done`
  const auto shut_down_rest = [&] {
    for (std::size_t i = next++; i < all.size(); i = next++) {
      auto stopped = all[i]->shut_down(now);
      if (stopped) continue;
      log::error("TOPIC({}): {}", all[i]->name(), stopped.error().to_string());
      const Lock lock(mutex);
      if (done) done = std::move(stopped);
    }
  };
  std::vector<std::thread> threads(std::min(all.size() / worth_a_thread, most_threads - 1));
  for (std::thread& thread : threads) thread = std::thread(shut_down_rest);
  shut_down_rest();
  for (std::thread& thread : threads) thread.join();
  return done;
}

}  // namespace nsq::broker
