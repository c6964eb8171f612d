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

Number number_of(std::string_view body) {
  Number number = 0;
  for (const char c : body.substr(0, body.find(' ')))
    number = number * 10 + static_cast<Number>(c - '0');
  return number;
}

}  // namespace

// A publish the engine has not answered yet.
struct World::Waiter final : broker::PublishWaiter {
  // `kept`: where to note what will survive a power cut; null if an OK does not promise that.
  explicit Waiter(PublishPlan what, std::set<Number>* kept)
      : plan(std::move(what)), promised(kept) {}
  void on_published(std::uint64_t, const Result<void>& result) override {
    outcome = result;
    if (!result || promised == nullptr) return;
    for (const auto& numbers : plan.numbers) promised->insert(numbers.begin(), numbers.end());
  }
  PublishPlan plan;
  std::set<Number>* promised;
  bool visible = false;  // the model knows
  std::optional<Result<void>> outcome;
};

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

World::PublishPlan World::plan_publish() {
  PublishPlan plan;
  plan.topic = random_topic();
  for (std::size_t left = 1 + pick(3); left > 0; --left) {
    std::vector<std::string> bodies;
    std::vector<Number> numbers;
    for (std::size_t count = 1 + pick(chance(80) ? 3 : 40); count > 0; --count) {
      numbers.push_back(next_number_);
      bodies.push_back(
          fmt::format("{} {}", next_number_++, std::string(pick(chance(90) ? 50 : 6000), 'x')));
    }
    plan.batches.push_back(std::move(bodies));
    plan.numbers.push_back(std::move(numbers));
    plan.delays.push_back(chance(15) ? random_delay() : Duration::zero());
  }
  return plan;
}

void World::publish() {
  // At times another thread publishes while this one writes.
  bool once = false;
  if (chance(20)) {
    files_->set_observer([&](MemoryFileSystem::Call call, const std::string& path) {
      if (once || call != MemoryFileSystem::Call::Write || !path.ends_with(".log")) return;
      once = true;
      files_->set_observer(nullptr);
      publish_plan(plan_publish());
    });
  }
  publish_plan(plan_publish());
  write_handed_over();
  files_->set_observer(nullptr);
  see_published();
}

// Somebody publishes while another thread writes what it changes about a topic, if it does.
void World::publish_amid(const std::function<void()>& doing) {
  // In memory a publish is done at once, before the model knows of the change.
  const bool wanted = !draining_ && options_.durability != broker::Durability::Memory && chance(30);
  bool once = false;
  if (wanted) {
    files_->set_observer([&](MemoryFileSystem::Call call, const std::string& path) {
      if (call != MemoryFileSystem::Call::Write || !path.ends_with("journal")) return;
      if (std::exchange(once, true)) return;
      files_->set_observer(nullptr);
      publish_plan(plan_publish());
    });
  }
  doing();
  files_->set_observer(nullptr);
}

// What publishers have left to the storage threads, since the disk is slow.
void World::write_handed_over() {
  while (work_->run_one(static_cast<std::size_t>(storage::WorkQueue::Lane::Write))) {
  }
}

// Whatever was not refused by now is written, and so visible, though perhaps not yet synced.
void World::see_published() {
  write_handed_over();
  for (const auto& waiter : waiters_) {
    const bool refused = waiter->outcome && !*waiter->outcome;
    if (!refused && !waiter->visible) finish_publish(waiter->plan, false);
    if (refused) note_refused(waiter->plan);
    waiter->visible = true;
  }
  std::erase_if(waiters_, [](const auto& waiter) { return waiter->outcome.has_value(); });
}

void World::publish_plan(const PublishPlan& plan) {
  std::vector<std::vector<std::string_view>> views;
  std::vector<broker::Publication> publications;
  for (const auto& batch : plan.batches) views.emplace_back(batch.begin(), batch.end());
  for (std::size_t i = 0; i < views.size(); ++i) publications.push_back({views[i], plan.delays[i]});
  const bool synced = options_.durability == broker::Durability::Fsync;
  auto waiter = std::make_shared<Waiter>(plan, synced ? &promised_ : nullptr);
  const auto topic = broker_->topic(plan.topic, now_);
  model_.topics[plan.topic];
  const auto outcome = topic->publish(publications, now_, waiter);
  note(fmt::format("publish {} from {} -> {}", plan.topic, plan.numbers[0][0],
                   !outcome   ? "later"
                   : *outcome ? "ok"
                              : outcome->error().to_string()));
  if (outcome) {
    if (!*outcome) note_refused(plan);
    if (*outcome) {
      finish_publish(plan, false);
    } else if (!disk_bad_) {
      fail("publish failed on a good disk: " + outcome->error().to_string());
    }
    return;
  }
  waiters_.push_back(waiter);
}

// What could not be written may have been in part, and a power cut may undo that it was taken back.
void World::note_refused(const PublishPlan& plan) {
  for (const auto& numbers : plan.numbers) refused_.insert(numbers.begin(), numbers.end());
}

void World::finish_publish(const PublishPlan& plan, bool open) {
  ModelTopic& topic = model_.topics[plan.topic];
  for (std::size_t i = 0; i < plan.numbers.size(); ++i) {
    for (const Number number : plan.numbers[i]) topic.publish(number, plan.delays[i], open, now_);
  }
}

void World::subscribe() {
  // What is made while the disk is full lasts no longer than the process; the model knows no such
  // half-things.
  if (clients_.size() >= 6 || disk_bad_) return;
  auto client = std::make_unique<Client>();
  client->number = next_client_++;
  client->topic = random_topic();
  client->channel = random_channel();
  client->consumer = std::make_shared<Consumer>();
  client->msg_timeout = std::chrono::milliseconds(20 + static_cast<int>(pick(3000)));
  const auto locality = static_cast<broker::Locality>(pick(broker::kLocalityCount));
  Result<std::shared_ptr<broker::Subscription>> subscribed{std::shared_ptr<broker::Subscription>()};
  publish_amid([&] {
    subscribed = broker_->subscribe(client->topic, client->channel, client->consumer,
                                    {client->msg_timeout, 0, locality, locality}, now_);
  });
  if (!subscribed) fail("subscribe: " + subscribed.error().to_string());
  note(
      fmt::format("client {} subscribes to {}:{}", client->number, client->topic, client->channel));
  client->subscription = *subscribed;
  ModelTopic& topic = model_.topics[client->topic];
  if (!topic.channels.contains(client->channel)) {
    topic.add_channel(client->channel, now_);
    see_published();
    // A subscription is no promise about power cuts, so that the model waits for the channel to
    // last.
    if (options_.durability != broker::Durability::Memory) work_->run_all();
  }
  clients_.push_back(std::move(client));
}

void World::unsubscribe() {
  if (clients_.empty()) return;
  const std::size_t which = pick(clients_.size());
  Client& client = *clients_[which];
  note(fmt::format("client {} leaves", client.number));
  broker_->unsubscribe(client.subscription, now_);
  ModelTopic& topic = model_.topics[client.topic];
  ModelChannel& channel = topic.channels[client.channel];
  for (auto& [number, message] : channel.messages) {
    if (message.state == State::InFlight && message.holder == client.number)
      message.state = State::Waiting;
  }
  const bool last = std::none_of(clients_.begin(), clients_.end(), [&](const auto& other) {
    return other->number != client.number && other->topic == client.topic &&
           other->channel == client.channel;
  });
  if (last && channel.ephemeral) topic.remove_channel(client.channel);
  clients_.erase(clients_.begin() + static_cast<std::ptrdiff_t>(which));
}

void World::set_ready() {
  Client* client = random_client();
  if (client == nullptr) return;
  client->ready_count = static_cast<std::int64_t>(pick(chance(50) ? 4 : 60));
  client->subscription->channel().set_ready_count(*client->subscription, client->ready_count);
  note(fmt::format("client {} RDY {}", client->number, client->ready_count));
  pull(*client);
}

void World::pull(Client& client) {
  client.consumer->calls = std::max(0, client.consumer->calls - 1);
  broker::Deliveries deliveries;
  const broker::PullLimit limit{chance(5) ? 0 : 1 + pick(chance(50) ? 3 : 100),
                                chance(10) ? 10u : 100'000u};
  const std::uint64_t waiting_before = client.subscription->channel().depth();
  client.subscription->channel().pull(*client.subscription, now_, limit, deliveries);
  if (!deliveries.messages.empty()) {
    note(fmt::format("client {} gets {} of {}", client.number, deliveries.messages.size(),
                     waiting_before));
  }
  for (const auto& delivery : deliveries.messages) delivered(client, delivery);
  // One that was told to come and was turned away has to come again.
  if (limit.messages == 0) {
    broker::Deliveries more;
    client.subscription->channel().pull(*client.subscription, now_, {1, 100'000}, more);
    for (const auto& delivery : more.messages) delivered(client, delivery);
  }
}

void World::delivered(Client& client, const broker::Delivery& delivery) {
  const Number number = number_of(delivery.body);
  auto& ids = ids_[client.topic];
  const auto [known, fresh] = ids.emplace(delivery.id.value, number);
  if (!fresh && known->second != number) {
    fail(fmt::format("messages {} and {} share an id", known->second, number));
  }
  ModelTopic& topic = model_.topics[client.topic];
  ModelChannel& channel = topic.channels[client.channel];
  auto found = channel.messages.find(number);
  const std::string where =
      fmt::format("message {} on {}:{}", number, client.topic, client.channel);
  if (found == channel.messages.end() && power_lost_ && refused_.contains(number)) {
    found = channel.messages.emplace(number, ModelMessage{}).first;
    found->second.state = State::Open;
  }
  if (found == channel.messages.end()) fail(where + " was delivered though never published there");
  ModelMessage& message = found->second;
  if (channel.paused) fail(where + " was delivered on a paused channel");
  if (message.state == State::Finished) fail(where + " came back although finished");
  if (message.state == State::InFlight) fail(where + " was delivered while in flight");
  if (message.state == State::Deferred && (message.attempts_known || message.attempts == 0)) {
    fail(where + " was delivered before its time");
  }
  if (message.attempts_known && delivery.attempts != message.attempts + 1) {
    fail(fmt::format("{} says {} attempts instead of {}", where, delivery.attempts,
                     message.attempts + 1));
  }
  message.state = State::InFlight;
  message.attempts = delivery.attempts;
  message.attempts_known = true;
  message.holder = client.number;
  message.deadline = now_.steady + client.msg_timeout;
  client.held.push_back({delivery.id, number});
}

ModelMessage& World::model_message(const Client& client, Number number) {
  return model_.topics[client.topic].channels[client.channel].messages[number];
}

void World::answer() {
  Client* client = random_client();
  if (client == nullptr) return;
  std::vector<broker::Answer> answers;
  std::vector<Number> numbers;
  for (std::size_t count = 1 + pick(10); count > 0 && !client->held.empty(); --count) {
    const std::size_t which = chance(70) ? 0 : pick(client->held.size());
    const Held held = client->held[which];
    const auto kind = chance(70)   ? broker::Answer::Kind::Finish
                      : chance(70) ? broker::Answer::Kind::Requeue
                                   : broker::Answer::Kind::Touch;
    answers.push_back({kind, held.id, chance(50) ? Duration::zero() : random_delay()});
    numbers.push_back(held.number);
    if (kind != broker::Answer::Kind::Touch) {
      client->held.erase(client->held.begin() + static_cast<std::ptrdiff_t>(which));
    }
  }
  // Sometimes for what somebody else holds, or nobody.
  Client* other = random_client();
  if (chance(10) && other != client && !other->held.empty() && other->channel == client->channel &&
      other->topic == client->topic) {
    answers.push_back({broker::Answer::Kind::Finish, other->held[0].id, Duration::zero()});
    numbers.push_back(other->held[0].number);
  }
  if (answers.empty()) return;
  std::vector<broker::AnswerOutcome> outcomes(answers.size());
  client->subscription->channel().answer(*client->subscription, answers, now_, outcomes);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    ModelMessage& message = model_message(*client, numbers[i]);
    const bool in_flight = message.state == State::InFlight;
    const auto expected = !in_flight                         ? broker::AnswerOutcome::NotInFlight
                          : message.holder != client->number ? broker::AnswerOutcome::NotHolder
                                                             : broker::AnswerOutcome::Done;
    if (outcomes[i] != expected) {
      fail(fmt::format("client {} answering for message {}: outcome {} instead of {}",
                       client->number, numbers[i], static_cast<int>(outcomes[i]),
                       static_cast<int>(expected)));
    }
    if (expected != broker::AnswerOutcome::Done) continue;
    switch (answers[i].kind) {
      case broker::Answer::Kind::Finish:
        message.state = State::Finished;
        message.settled = message.lasting = false;
        break;
      case broker::Answer::Kind::Requeue:
        message.state = answers[i].delay > Duration::zero() ? State::Deferred : State::Waiting;
        message.due = now_.steady + answers[i].delay;
        break;
      case broker::Answer::Kind::Touch:
        message.deadline = now_.steady + client->msg_timeout;
        break;
    }
  }
  note(fmt::format("client {} answers for {}", client->number, answers.size()));
  pull(*client);
}

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

// --- ends and beginnings -----------------------------------------------------------------------

void World::forget_clients() {
  for (auto& [name, topic] : model_.topics) {
    for (auto& [channel_name, channel] : topic.channels) {
      for (auto& [number, message] : channel.messages) {
        if (message.state == State::InFlight) message.state = State::Waiting;
      }
    }
  }
  part_clients();
}

// A channel and its subscriptions hold each other until they part: with them the engine of an end
// that came without warning would stay in memory.
void World::part_clients() {
  if (broker_) {
    for (const auto& client : clients_) broker_->unsubscribe(client->subscription, now_);
  }
  clients_.clear();
}

void World::restart_cleanly() {
  if (disk_bad_) return;
  note("clean restart");
  while (!clients_.empty()) unsubscribe();
  // What waits for a sync gets it: the daemon serves its storage threads until they are idle.
  work_->run_all();
  waiters_.clear();
  if (const auto stopped = broker_->shut_down(now_); !stopped)
    fail("shut down: " + stopped.error().to_string());
  work_->run_all();
  const Duration away = std::chrono::milliseconds(1 + pick(3000));
  now_ = {now_.steady + away, now_.wall + away};
  // What was deferred and is due by now is simply waiting.
  model_.advance(now_.steady, [](const auto&, const auto&, Number, int) {});
  model_.settle();
  for (auto& [name, topic] : model_.topics) {
    topic.remove_ephemeral_channels();
    topic.lapsed.clear();
  }
  note_all_on_disk();
  auto files = files_->after_kill();
  broker_.reset();
  start(std::move(files));
}

// The process or the power ends at any of the calls to the disk that something makes. Of what was
// being done, all or nothing or some may be found.
void World::end_amid() {
  if (disk_bad_) return;
  const bool of_power = options_.durability != broker::Durability::Memory && chance(50);
  const auto promised = promised_;
  const Number first = next_number_;
  std::size_t calls_before = pick(12);
  std::unique_ptr<MemoryFileSystem> found;
  files_->set_observer([&](MemoryFileSystem::Call call, const std::string& path) {
    using Call = MemoryFileSystem::Call;
    const bool changes = call != Call::Open && call != Call::Read && call != Call::Size;
    if (found || !changes || calls_before-- > 0) return;
    note("the end, before a call for " + path);
    found = of_power ? files_->after_power_loss(random_()) : files_->after_kill();
  });
  if (chance(50)) {
    publish_plan(plan_publish());
    see_published();
  } else {
    for (std::size_t count = 1 + pick(4); count > 0; --count) work();
  }
  files_->set_observer(nullptr);
  if (!found) return;
  promised_ = promised;  // who was told of more only dreamt it
  for (auto& [name, topic] : model_.topics) {
    for (auto& [number, held] : topic.held) held.open = held.open || number >= first;
    for (auto& [channel_name, channel] : topic.channels) {
      for (auto& [number, message] : channel.messages) {
        if (number >= first) message.state = State::Open;
      }
    }
  }
  of_power ? lose_power(std::move(found)) : crash(std::move(found));
}

void World::crash(std::unique_ptr<MemoryFileSystem> files) {
  note("crash");
  forget_clients();
  waiters_.clear();
  work_->forget_all();
  broker_.reset();
  const Duration away = std::chrono::milliseconds(1 + pick(3000));
  now_ = {now_.steady + away, now_.wall + away};
  model_.crash(now_);
  model_.advance(now_.steady, [](const auto&, const auto&, Number, int) {});
  exact_ = false;
  if (options_.durability == broker::Durability::Memory) {
    // Memory only: anything may be gone.
    for (auto& [name, topic] : model_.topics) {
      for (auto& [number, held] : topic.held) held.open = true;
      for (auto& [channel_name, channel] : topic.channels) {
        for (auto& [number, message] : channel.messages) {
          if (message.state != State::Finished) message.state = State::Open;
        }
      }
    }
  }
  start(std::move(files));
  adopt_topics();
}

void World::lose_power(std::unique_ptr<MemoryFileSystem> files) {
  if (options_.durability == broker::Durability::Memory) return;
  note("power loss");
  power_lost_ = true;
  forget_clients();
  waiters_.clear();
  work_->forget_all();
  broker_.reset();
  const Duration away = std::chrono::milliseconds(1 + pick(3000));
  now_ = {now_.steady + away, now_.wall + away};
  for (auto& [name, topic] : model_.topics) {
    // That messages went to channels which do not last may not last either.
    const bool fleeting = std::all_of(topic.channels.begin(), topic.channels.end(),
                                      [](const auto& each) { return each.second.ephemeral; });
    for (auto& [channel_name, channel] : topic.channels) {
      if (!fleeting) break;
      for (const auto& [number, message] : channel.messages) topic.held[number].open = true;
    }
    if (fleeting) {
      for (const Number number : topic.lapsed) topic.held[number].open = true;
    }
  }
  model_.crash(now_);
  model_.advance(now_.steady, [](const auto&, const auto&, Number, int) {});
  for (auto& [name, topic] : model_.topics) {
    for (auto& [number, held] : topic.held) held.open = held.open || !promised_.contains(number);
    for (auto& [channel_name, channel] : topic.channels) {
      for (auto& [number, message] : channel.messages) {
        // The journal is synced now and then only: what was finished may come again, and a delay
        // given by a requeue may be forgotten.
        const bool finished = message.state == State::Finished;
        if (finished ? !message.lasting : !promised_.contains(number)) message.state = State::Open;
      }
    }
  }
  exact_ = false;
  start(std::move(files));
  adopt_topics();
}

// After a crash the engine may know of things in another state than the model, where both are
// right.
void World::adopt_topics() {
  for (const auto& stats : broker_->stats({}, now_)) {
    ModelTopic& topic = model_.topics[stats.name];
    topic.paused = stats.paused;
    for (const auto& channel_stats : stats.channels) {
      if (!topic.channels.contains(channel_stats.name)) topic.add_channel(channel_stats.name, now_);
      topic.channels[channel_stats.name].paused = channel_stats.paused;
    }
    std::erase_if(topic.channels, [&](const auto& entry) {
      const bool there = std::any_of(stats.channels.begin(), stats.channels.end(),
                                     [&](const auto& each) { return each.name == entry.first; });
      if (there) return false;
      const bool owed = std::any_of(
          entry.second.messages.begin(), entry.second.messages.end(), [](const auto& each) {
            return each.second.state != State::Open && each.second.state != State::Finished;
          });
      if (owed || entry.second.settled) fail("channel " + entry.first + " is gone after a crash");
      return true;
    });
    topic.route(now_);
  }
  std::erase_if(model_.topics, [&](const auto& entry) {
    if (broker_->find_topic(entry.first)) return false;
    for (const auto& [number, held] : entry.second.held) {
      if (!held.open) fail(fmt::format("topic {} is gone after a crash", entry.first));
    }
    if (!entry.second.channels.empty())
      fail(fmt::format("topic {} is gone after a crash", entry.first));
    return true;
  });
}

// --- checks ------------------------------------------------------------------------------------

void World::drop_closed_clients() {
  std::erase_if(clients_, [this](const auto& client) {
    if (!client->consumer->closed) return false;
    broker_->unsubscribe(client->subscription, now_);
    return true;
  });
}

void World::check() {
  for (const auto& stats : broker_->stats({}, now_)) {
    const auto topic = model_.topics.find(stats.name);
    if (topic == model_.topics.end())
      fail("the engine knows a topic " + stats.name + " nobody made");
    if (exact_ && stats.depth != topic->second.held.size()) {
      fail(fmt::format("depth of topic {} is {} instead of {}", stats.name, stats.depth,
                       topic->second.held.size()));
    }
    for (const auto& channel_stats : stats.channels) {
      const auto channel = topic->second.channels.find(channel_stats.name);
      if (channel == topic->second.channels.end()) {
        fail(fmt::format("the engine knows a channel {}:{} nobody made", stats.name,
                         channel_stats.name));
      }
      if (channel_stats.lost_count > 0 && options_.durability != broker::Durability::Memory) {
        fail(fmt::format("{}:{} lost {} messages", stats.name, channel_stats.name,
                         channel_stats.lost_count));
      }
      check_channel(channel_stats, channel->second, stats.name + ":" + channel_stats.name);
    }
  }
}

void World::check_channel(const broker::ChannelStats& stats, const ModelChannel& model,
                          const std::string& name) {
  const std::uint64_t waiting = model.count(State::Waiting);
  const std::uint64_t deferred = model.count(State::Deferred);
  const std::uint64_t in_flight = model.count(State::InFlight);
  const std::uint64_t open = model.count(State::Open) + (power_lost_ ? refused_.size() : 0);
  if (stats.in_flight_count != in_flight) {
    fail(fmt::format("{} has {} in flight instead of {}", name, stats.in_flight_count, in_flight));
  }
  if (model.ephemeral) return;  // may have dropped some
  if (exact_ && (stats.depth != waiting || stats.deferred_count != deferred)) {
    fail(fmt::format("{} has depth {} and {} deferred instead of {} and {}", name, stats.depth,
                     stats.deferred_count, waiting, deferred));
  }
  // In memory mode a crash takes messages that are counted until somebody asks for them.
  if (!exact_ && options_.durability == broker::Durability::Memory) return;
  const std::uint64_t all = stats.depth + stats.deferred_count;
  if (all < waiting + deferred || all > waiting + deferred + open) {
    fail(fmt::format("{} has {} messages instead of {} to {}", name, all, waiting + deferred,
                     waiting + deferred + open));
  }
}

// Everybody who was called comes, until nobody is called any more; then no message may wait while
// somebody could take it.
void World::pull_all() {
  for (int round = 0;; ++round) {
    work_->run_all();
    bool any = false;
    for (const auto& client : clients_) {
      if (client->consumer->calls == 0 || client->consumer->closed) continue;
      any = true;
      pull(*client);
    }
    if (!any) break;
    if (round > 100'000) fail("consumers are called without end");
  }
  if (disk_bad_) return;
  for (const auto& client : clients_) {
    const ModelTopic& topic = model_.topics[client->topic];
    const auto channel = topic.channels.find(client->channel);
    if (channel == topic.channels.end() || channel->second.paused) continue;
    const auto stats = client->subscription->channel().stats(true, now_);
    for (const auto& other : stats.clients) {
      if (other.consumer.get() != client->consumer.get()) continue;
      if (stats.depth > 0 && other.in_flight_count < other.ready_count) {
        fail(fmt::format("client {} could take messages of {}:{}, {} wait, and nobody called it",
                         client->number, client->topic, client->channel, stats.depth));
      }
    }
  }
}

void World::settle(bool was_bad) {
  pull_all();
  for (int i = 0; i < 3; ++i) {
    pass_time(std::chrono::nanoseconds(1));
    // After a failure the journal is tried again a second later.
    const Duration step = was_bad ? Duration(std::chrono::seconds(2)) : options_.journal_interval;
    now_ = {now_.steady + step, now_.wall + step};
    broker_->advance(now_);
    model_.advance(now_.steady, [](const auto&, const auto&, Number, int) {});
    work_->run_all();
  }
  for (const auto& waiter : waiters_) {
    if (!waiter->outcome && !disk_bad_) fail("a publish was never answered");
  }
  std::erase_if(waiters_, [](const auto& waiter) { return waiter->outcome.has_value(); });
  if (!disk_bad_) model_.settle();
  drop_closed_clients();
  pull_all();
  check();
}

// After the time a background sync may take to come, with a disk that works, everything lasts.
void World::settle_on_disk() {
  if (disk_bad_) return;
  settle();
  pass_time_by(options_.sync_timeout);
  work_->run_all();
  note_all_on_disk();
}

void World::note_all_on_disk() {
  for (const auto& [name, topic] : model_.topics) {
    for (const auto& [number, held] : topic.held) {
      if (!held.open) promised_.insert(number);
    }
    for (const auto& [channel_name, channel] : topic.channels) {
      for (const auto& [number, message] : channel.messages) {
        if (message.state != State::Open) promised_.insert(number);
      }
    }
  }
  model_.last();
  note("all is on the disk");
}

void World::drain() {
  draining_ = true;
  files_->set_capacity(std::nullopt);
  disk_bad_ = false;
  now_ = {now_.steady + std::chrono::seconds(10), now_.wall + std::chrono::seconds(10)};
  broker_->advance(now_);
  model_.advance(now_.steady, [](const auto&, const auto&, Number, int) {});
  while (!clients_.empty()) unsubscribe();
  for (auto& [name, topic] : model_.topics) {
    if (topic.channels.empty() && !topic.held.empty()) {
      if (!broker_->topic(name, now_)->channel("a", now_)) fail("no channel");
      topic.add_channel("a", now_);
    }
    topic.paused = false;
    run_broker_call([&](broker::Broker::Done done) {
      broker_->pause_topic(name, false, now_, std::move(done));
    });
    topic.route(now_);
    for (auto& [channel_name, channel] : topic.channels) {
      channel.paused = false;
      run_broker_call([&](broker::Broker::Done done) {
        broker_->pause_channel(name, channel_name, false, now_, std::move(done));
      });
    }
  }
  for (auto& [name, topic] : model_.topics) {
    std::vector<std::string> channels;
    for (auto& [channel_name, channel] : topic.channels) {
      if (!channel.ephemeral) channels.push_back(channel_name);
    }
    for (const std::string& channel_name : channels) {
      clients_.push_back(std::make_unique<Client>());
      Client& client = *clients_.back();
      client.number = next_client_++;
      client.topic = name;
      client.channel = channel_name;
      client.consumer = std::make_shared<Consumer>();
      client.msg_timeout = std::chrono::hours(1);
      auto subscribed = broker_->subscribe(name, channel_name, client.consumer,
                                           {.msg_timeout = client.msg_timeout}, now_);
      if (!subscribed) fail("subscribe: " + subscribed.error().to_string());
      client.subscription = *subscribed;
      client.subscription->channel().set_ready_count(*client.subscription, 1'000'000);
      pull(client);
    }
  }
  pull_all();
  // Deferrals still to come.
  now_ = {now_.steady + std::chrono::seconds(10), now_.wall + std::chrono::seconds(10)};
  broker_->advance(now_);
  model_.advance(now_.steady, [](const auto&, const auto&, Number, int) {});
  pull_all();
  for (const auto& [name, topic] : model_.topics) {
    for (const auto& [channel_name, channel] : topic.channels) {
      if (channel.ephemeral) continue;
      for (const auto& [number, message] : channel.messages) {
        if (message.state == State::Waiting || message.state == State::Deferred) {
          fail(fmt::format("message {} was never delivered on {}:{}", number, name, channel_name));
        }
      }
    }
  }
  check();
}

}  // namespace nsq::simulation
