#include "simulation/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

namespace nsq::simulation {
namespace {

using State = ModelMessage::State;
using test::ManualWorkQueue;
using test::MemoryFileSystem;

constexpr std::string_view kDataPath = "data";

}  // namespace

World::World(std::uint64_t seed, bool verbose) : random_(seed), verbose_(verbose) {
  const broker::Durability levels[] = {broker::Durability::Log, broker::Durability::Log,
                                       broker::Durability::Fsync, broker::Durability::Memory};
  options_.durability = levels[pick(4)];
  const std::uint64_t windows[] = {0, 5, 100, 10'000};
  options_.mem_queue_size = windows[pick(4)];
  const std::uint64_t file_bytes[] = {3'000, 30'000, 100'000'000};
  options_.max_bytes_per_file = file_bytes[pick(3)];
  options_.sync_every = chance(50) ? 2500 : 10;
  options_.reserve_bytes = chance(50) ? 0 : 2000;
  options_.e2e_processing_latency_percentiles = {0.99};
  now_ = {Instant{std::chrono::hours(1)}, Timestamp{1'790'000'000'000'000'000}};
  auto files = std::make_unique<MemoryFileSystem>();
  if (!files->create_directory(std::string(kDataPath))) fail("no data directory");
  if (!files->sync_directory("/")) fail("no root");
  start(std::move(files));
}

World::~World() {
  part_clients();
  if (work_) work_->forget_all();
  broker_.reset();  // before the files it has open
}

void World::note(const std::string& what) {
  if (verbose_)
    std::printf("%10.3f %s\n", static_cast<double>(now_.steady.since_start().count()) / 1e9,
                what.c_str());
}

void World::start(std::unique_ptr<MemoryFileSystem> files) {
  if (files_) past_files_.push_back(std::move(files_));
  files_ = std::move(files);
  work_ = std::make_unique<ManualWorkQueue>();
  broker_ = std::make_unique<broker::Broker>(
      options_, std::string(kDataPath), "1.4.0", *files_, *work_, [](Instant) {}, random_());
  if (const auto loaded = broker_->load(now_); !loaded) fail("load: " + loaded.error().to_string());
  disk_bad_ = false;
}

// --- steps -------------------------------------------------------------------------------------

void World::step() {
  const std::size_t what = pick(100);
  if (what < 25) {
    publish();
  } else if (what < 32) {
    subscribe();
  } else if (what < 34) {
    unsubscribe();
  } else if (what < 40) {
    set_ready();
  } else if (what < 55) {
    if (Client* client = random_client()) pull(*client);
  } else if (what < 75) {
    answer();
  } else if (what < 82) {
    pass_time(std::chrono::milliseconds(50));
  } else if (what < 84) {
    pass_time(std::chrono::seconds(5));
  } else if (what < 88) {
    administrate();
  } else if (what < 96) {
    chance(60) ? work() : work_with_others();
  } else if (what < 97) {
    disturb_disk();
  } else if (what < 98) {
    chance(50) ? settle() : settle_on_disk();
  } else if (chance(20)) {
    end_amid();
  } else if (chance(25)) {
    crash(files_->after_kill());
  } else if (chance(30)) {
    restart_cleanly();
  } else if (chance(30)) {
    lose_power(files_->after_power_loss(random_()));
  }
  drop_closed_clients();
  check();
}

std::string World::random_channel() {
  const std::size_t which = pick(10);
  return which < 5 ? "a" : which < 9 ? "b" : "c#ephemeral";
}

Duration World::random_delay() {
  return std::chrono::milliseconds(1 + static_cast<int>(pick(chance(50) ? 20 : 4000)));
}

World::Client* World::random_client() {
  return clients_.empty() ? nullptr : clients_[pick(clients_.size())].get();
}

// --- time, administration and the disk ----------------------------------------------------------

void World::pass_time(Duration most) {
  pass_time_by(
      Duration{1 + static_cast<std::int64_t>(pick(static_cast<std::size_t>(most.count())))});
}

void World::pass_time_by(Duration step) {
  now_ = {now_.steady + step, now_.wall + step};
  broker_->advance(now_);
  model_.advance(now_.steady, [](const auto&, const auto&, Number, int) {});
}

void World::run_broker_call(const std::function<void(broker::Broker::Done)>& call) {
  auto outcome = std::make_shared<std::optional<Result<void>>>();
  publish_amid([&] { call([outcome](Result<void> result) { *outcome = std::move(result); }); });
  for (int i = 0; i < 100 && !*outcome; ++i) work_->run_one(pick(ManualWorkQueue::kLanes));
  if (!*outcome) work_->run_all();
  if (!*outcome) fail("an administrative call was never answered");
  if (!**outcome && !disk_bad_)
    fail("an administrative call failed: " + (*outcome)->error().to_string());
}

void World::administrate() {
  if (disk_bad_) return;
  administrate_something();
  see_published();
}

void World::administrate_something() {
  const std::string name = random_topic();
  const std::string channel_name = random_channel();
  const auto found = model_.topics.find(name);
  if (found == model_.topics.end()) return;
  ModelTopic& topic = found->second;
  const auto channel = topic.channels.find(channel_name);
  const std::size_t what = pick(12);
  note(fmt::format("administrate {}:{} {}", name, channel_name, what));
  using Done = broker::Broker::Done;
  if (what < 3) {
    topic.paused = !topic.paused;
    run_broker_call(
        [&](Done done) { broker_->pause_topic(name, topic.paused, now_, std::move(done)); });
    topic.route(now_);
  } else if (what < 4) {
    run_broker_call([&](Done done) { broker_->empty_topic(name, now_, std::move(done)); });
    topic.held.clear();
  } else if (what < 5 && chance(30)) {
    run_broker_call([&](Done done) { broker_->delete_topic(name, now_, std::move(done)); });
    model_.topics.erase(found);
    ids_.erase(name);
  } else if (what < 6) {
    run_broker_call(
        [&](Done done) { broker_->create_channel(name, channel_name, now_, std::move(done)); });
    if (channel == topic.channels.end()) topic.add_channel(channel_name, now_);
  } else if (channel == topic.channels.end()) {
    return;
  } else if (what < 9) {
    channel->second.paused = !channel->second.paused;
    run_broker_call([&](Done done) {
      broker_->pause_channel(name, channel_name, channel->second.paused, now_, std::move(done));
    });
  } else if (what < 10) {
    empty_channel(name, channel_name, channel->second);
  } else if (chance(30)) {
    run_broker_call(
        [&](Done done) { broker_->delete_channel(name, channel_name, now_, std::move(done)); });
    topic.remove_channel(channel_name);
  }
}

void World::empty_channel(const std::string& topic, const std::string& name,
                          ModelChannel& channel) {
  run_broker_call([&](broker::Broker::Done done) {
    broker_->empty_channel(topic, name, now_, std::move(done));
  });
  for (auto& [number, message] : channel.messages) {
    if (message.state == State::Finished) continue;
    message = ModelMessage{};
    message.state = State::Finished;
  }
}

// Which writes nothing itself.
void World::empty_some_channel() {
  const std::string name = random_topic();
  const auto topic = model_.topics.find(name);
  if (topic == model_.topics.end() || topic->second.channels.empty()) return;
  const auto channel = topic->second.channels.begin();
  note(fmt::format("empty {}:{}", name, channel->first));
  empty_channel(name, channel->first, channel->second);
}

void World::work() {
  work_->run_one(pick(ManualWorkQueue::kLanes));
}

// Storage work during which, while it waits for the disk, others go on.
void World::work_with_others() {
  std::size_t calls_before = pick(6);
  files_->set_observer([&](MemoryFileSystem::Call call, const std::string& path) {
    using Call = MemoryFileSystem::Call;
    if (call == Call::Open || call == Call::Size || calls_before-- > 0) return;
    files_->set_observer(nullptr);
    meddle(path);
  });
  work();
  files_->set_observer(nullptr);
  see_published();
}

void World::meddle(const std::string& path) {
  note("meanwhile, at " + path);
  // What changes or publishes waits for the journal, and for the reserve; here nobody else goes on.
  const bool any = path.find("journal") == std::string::npos && !path.ends_with("reserve");
  switch (pick(any ? 8 : 4)) {
    case 0:
      return answer();
    case 1:
      return set_ready();
    case 2:
      return pass_time(std::chrono::milliseconds(chance(50) ? 50 : 4000));
    case 3:
      if (Client* client = random_client()) pull(*client);
      return;
    case 4:
      return unsubscribe();
    case 5:
      return empty_some_channel();
    default:
      publish_plan(plan_publish());
  }
}

void World::disturb_disk() {
  files_->set_slow(chance(50));
  if (!disk_bad_ && chance(50)) {
    note("the disk is full");
    files_->set_capacity(files_->used_bytes() + pick(2000));
    disk_bad_ = true;
  } else if (disk_bad_) {
    note("the disk has room again");
    files_->set_capacity(std::nullopt);
    disk_bad_ = false;
    settle(true);
  }
}

}  // namespace nsq::simulation
