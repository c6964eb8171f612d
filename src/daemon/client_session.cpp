#include "daemon/client_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "broker/broker_error.h"
#include "daemon/topology.h"

namespace nsq::daemon {
namespace {

using protocol::Command;
using protocol::ConnectionState;
using protocol::ErrorCode;
using protocol::Verb;

// Output a client may leave unread before nothing more is taken from its channel.
constexpr std::size_t kMaxUnwritten = std::size_t{256} << 10;
// What one turn takes, before other connections get theirs.
constexpr std::size_t kQuantumMessages = 512;
constexpr std::size_t kQuantumBytes = std::size_t{128} << 10;
// The same of a turn on a publisher's thread, which has its own client to answer.
constexpr std::size_t kDirectMessages = 16;
constexpr std::size_t kDirectBytes = std::size_t{16} << 10;
// Groups of publishes, each of one read, that may wait to be committed before no more is read.
constexpr std::size_t kMaxCommits = 16;

bool is_publish(Verb verb) {
  return verb == Verb::Pub || verb == Verb::Mpub || verb == Verb::Dpub;
}

bool is_answer(Verb verb) {
  return verb == Verb::Fin || verb == Verb::Req || verb == Verb::Touch;
}

protocol::ProtocolError publish_error(Verb verb, const Error& error) {
  const bool is_brokers_own =
      error == broker::BrokerErrc::Exiting || error == broker::BrokerErrc::Draining;
  const std::string reason = is_brokers_own ? error.code().message() : error.to_string();
  switch (verb) {
    case Verb::Mpub:
      return {ErrorCode::MpubFailed, "MPUB failed " + reason};
    case Verb::Dpub:
      return {ErrorCode::DpubFailed, "DPUB failed " + reason};
    default:
      return {ErrorCode::PubFailed, "PUB failed " + reason};
  }
}

protocol::ProtocolError answer_error(Verb verb, std::string_view id,
                                     broker::AnswerOutcome outcome) {
  const std::string_view reason = outcome == broker::AnswerOutcome::NotHolder
                                      ? "client does not own message"
                                      : "ID not in flight";
  const auto text = [&](std::string_view name) {
    return fmt::format("{} {} failed {}", name, id, reason);
  };
  if (verb == Verb::Req) return {ErrorCode::ReqFailed, text("REQ")};
  if (verb == Verb::Touch) return {ErrorCode::TouchFailed, text("TOUCH")};
  return {ErrorCode::FinFailed, text("FIN")};
}

broker::Answer::Kind kind_of(Verb verb) {
  if (verb == Verb::Req) return broker::Answer::Kind::Requeue;
  if (verb == Verb::Touch) return broker::Answer::Kind::Touch;
  return broker::Answer::Kind::Finish;
}

Verb verb_of(broker::Answer::Kind kind) {
  if (kind == broker::Answer::Kind::Requeue) return Verb::Req;
  if (kind == broker::Answer::Kind::Touch) return Verb::Touch;
  return Verb::Fin;
}

}  // namespace

ClientSession::ClientSession(Owner& owner, broker::Broker& broker, const Options& options,
                             ClientTools& tools, std::string remote_address,
                             std::string remote_host, Moment now)
    : owner_(owner),
      broker_(broker),
      options_(options),
      tools_(tools),
      tls_required_(options.tls_required != "false"),
      auth_(options.auth_http_addresses.empty() ? nullptr
                                                : std::make_unique<ClientAuth>(remote_host)) {
  settings_.output_buffer_timeout = options.output_buffer_timeout;
  settings_.msg_timeout = options.msg_timeout;
  info_.client_id = remote_host;
  info_.hostname = std::move(remote_host);
  info_.remote_address = std::move(remote_address);
  info_.connected = now.wall;
}

// --- commands ----------------------------------------------------------------------------------

ClientSession::Handler ClientSession::handler_of(Verb verb) {
  struct Row {
    Verb verb;
    Handler handler;
  };
  using S = ClientSession;
  static constexpr std::array rows{
      Row{Verb::Fin, &S::on_answer},        Row{Verb::Pub, &S::on_publish},
      Row{Verb::Mpub, &S::on_publish},      Row{Verb::Req, &S::on_answer},
      Row{Verb::Rdy, &S::on_ready_count},   Row{Verb::Touch, &S::on_answer},
      Row{Verb::Nop, &S::on_nop},           Row{Verb::Dpub, &S::on_publish},
      Row{Verb::Sub, &S::on_subscribe},     Row{Verb::Cls, &S::on_close},
      Row{Verb::Identify, &S::on_identify}, Row{Verb::Auth, &S::on_authenticate},
  };
  static_assert([] {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (static_cast<std::size_t>(rows[i].verb) != i) return false;
    }
    return true;
  }());
  return rows[static_cast<std::size_t>(verb)].handler;
}

ClientSession::Step ClientSession::execute(std::string_view input, Moment now,
                                           ClientOutput& output) {
  using Outcome = protocol::CommandReader::Outcome;
  const Turn turn{now, output};
  Step step;
  bool has_to_wait = false;
  if (auth_answer_) end_authentication(turn);
  while (progress_ == Progress::Open) {
    const std::size_t finishes = collect_finishes(input);
    step.consumed += finishes;
    input.remove_prefix(finishes);
    const Outcome outcome = tools_.reader.read(input, context());
    if (outcome == Outcome::NeedMore) {
      step.needed_bytes = tools_.reader.needed_bytes();
      settle(turn);
      has_to_wait = commits_.size() >= kMaxCommits;
      break;
    }
    has_to_wait = true;  // if it goes no further
    if (outcome != Outcome::Command) {
      // What came before it is answered first; if that takes time, the bad command is read again.
      if (!settle(turn)) break;
      if (outcome == Outcome::Error) fail(tools_.reader.error(), output);
      if (outcome == Outcome::LineTooLong) progress_ = Progress::EndedQuietly;
      break;
    }
    const Command& command = tools_.reader.command();
    if (!joins_group(command) && !settle(turn)) break;
    if (auth_ != nullptr && !admit(command, turn)) break;
    (this->*handler_of(command.verb))(command, turn);
    step.consumed += tools_.reader.consumed();
    input.remove_prefix(tools_.reader.consumed());
  }
  step.progress = progress_ == Progress::Open && has_to_wait ? Progress::Waiting : progress_;
  return step;
}

// The rows of FINs that consumers send, as far as they join what is collected.
std::size_t ClientSession::collect_finishes(std::string_view input) {
  if (!tools_.publishes.empty() || !commits_.empty()) return 0;
  return tools_.reader.read_finishes(input, context(), [&](protocol::MessageId id) {
    tools_.answers.push_back({broker::Answer::Kind::Finish, id, Duration::zero()});
  });
}

bool ClientSession::on_input_end(std::string_view input, ClientOutput& output) {
  const auto error = tools_.reader.error_at_end(input, context());
  if (error) fail(*error, output);
  return error.has_value();
}

protocol::CommandContext ClientSession::context() const {
  return {.state = state_,
          .heartbeats_disabled = settings_.heartbeat_interval == Duration::zero(),
          .tls_missing = tls_required_ && !has_tls_};
}

// Whether a command may be added to what is collected, instead of waiting until that is done.
bool ClientSession::joins_group(const Command& command) const {
  if (command.verb == Verb::Nop || command.verb == Verb::Rdy) return true;
  if (!tools_.publishes.empty())
    return is_publish(command.verb) && command.topic == tools_.publishes.topic();
  if (!commits_.empty() && commits_.size() < kMaxCommits && is_publish(command.verb) &&
      command.topic == topic_->name()) {
    return true;
  }
  return commits_.empty() && (tools_.answers.empty() || is_answer(command.verb));
}

// Does what is collected. False if commands after it must wait, or will not come.
bool ClientSession::settle(const Turn& turn) {
  if (!tools_.publishes.empty()) publish(turn);
  if (!tools_.answers.empty()) answer(turn);
  return progress_ == Progress::Open && commits_.empty();
}

void ClientSession::fail(const protocol::ProtocolError& error, ClientOutput& output) {
  NSQ_ASSERT(error.fatal());
  if (log::enabled(log::Level::Warning))
    log::warning("[{}] - {}", info().remote_address, error.to_string());
  output.append_error(error);
  progress_ = Progress::Ended;
}

// --- publishing --------------------------------------------------------------------------------

void ClientSession::on_publish(const Command& command, const Turn&) {
  tools_.publishes.add(command);
}

void ClientSession::publish(const Turn& turn) {
  PublishGroup& group = tools_.publishes;
  Commit commit{++next_ticket_,        group.verb(),    group.size(),
                group.message_count(), turn.now.steady, std::nullopt};
  commit.outcome = publish_to_topic(turn);
  group.clear();
  commits_.push_back(std::move(commit));
  answer_commits(turn.output);
}

std::optional<Result<void>> ClientSession::publish_to_topic(const Turn& turn) {
  PublishGroup& group = tools_.publishes;
  if (broker_.draining()) return Result<void>(Error(broker::BrokerErrc::Draining, ""));
  if (topic_ == nullptr || topic_->name() != group.topic())
    topic_ = broker_.topic(group.topic(), turn.now);
  const DirectDelivery::Scope scope(tools_.direct, *this, group.message_count(), turn.now.steady);
  auto outcome = topic_->publish(group.publications(turn.now.wall), turn.now,
                                 owner_.share_session(), next_ticket_);
  if (!outcome || outcome->ok() || !(outcome->error() == broker::BrokerErrc::Exiting))
    return outcome;
  // Deleted since it was last used: the name now means a new topic.
  topic_ = broker_.topic(group.topic(), turn.now);
  return topic_->publish(group.publications(turn.now.wall), turn.now, owner_.share_session(),
                         next_ticket_);
}

void ClientSession::on_published(std::uint64_t ticket, const Result<void>& outcome) {
  {
    Lock lock(settled_mutex_);
    settled_.push_back({ticket, outcome});
  }
  notify(kPublished);
}

void ClientSession::take_settled() {
  std::vector<Settled> settled;
  {
    Lock lock(settled_mutex_);
    settled.swap(settled_);
  }
  for (Settled& each : settled) {
    const auto commit = std::find_if(commits_.begin(), commits_.end(), [&](const Commit& waiting) {
      return waiting.ticket == each.ticket;
    });
    if (commit != commits_.end()) commit->outcome = std::move(each.outcome);
  }
}

// Answers what is settled, in order.
void ClientSession::answer_commits(ClientOutput& output) {
  auto commit = commits_.begin();
  std::size_t messages = 0;
  for (; commit != commits_.end() && commit->outcome; ++commit) {
    if (!*commit->outcome) {
      fail(publish_error(commit->verb, commit->outcome->error()), output);
      commits_.clear();
      return;
    }
    for (std::size_t i = 0; i < commit->commands; ++i) output.append(protocol::kOkFrame);
    broker_.meters().publish_times.add(Instant::now() - commit->since,
                                       static_cast<std::uint32_t>(commit->commands));
    messages += commit->messages;
  }
  if (commit == commits_.begin()) return;
  commits_.erase(commits_.begin(), commit);
  Lock lock(info_mutex_);
  pub_counts_[topic_->name()] += messages;
}

// --- consuming ---------------------------------------------------------------------------------

void ClientSession::on_subscribe(const Command& command, const Turn& turn) {
  broker::SubscriptionOptions wishes;
  wishes.msg_timeout = settings_.msg_timeout;
  wishes.sample_rate = settings_.sample_rate;
  {
    Lock lock(info_mutex_);
    set_locality(options_, info_.topology_zone, info_.topology_region, wishes);
  }
  auto subscribed =
      broker_.subscribe(command.topic, command.channel, owner_.share_session(), wishes, turn.now);
  if (!subscribed) {
    const bool full = subscribed.error() == broker::BrokerErrc::TooManyConsumers;
    return fail({ErrorCode::SubFailed,
                 full ? fmt::format("SUB failed consumers for {}:{} exceeds limit of {}",
                                    command.topic, command.channel, options_.max_channel_consumers)
                      : "SUB failed " + subscribed.error().code().message()},
                turn.output);
  }
  subscription_ = std::move(subscribed.value());
  set_state(ConnectionState::Subscribed);
  turn.output.append(protocol::kOkFrame);
}

void ClientSession::on_ready_count(const Command& command, const Turn&) {
  subscription_->channel().set_ready_count(*subscription_, command.ready_count);
  pull_due_ = true;
}

void ClientSession::on_close(const Command&, const Turn& turn) {
  subscription_->channel().set_ready_count(*subscription_, 0);
  set_state(ConnectionState::Closing);
  turn.output.append(protocol::kCloseWaitFrame);
}

void ClientSession::on_answer(const Command& command, const Turn& turn) {
  if (!command.id) {
    // No message has such an id; the error takes its place behind those before it.
    answer(turn);
    turn.output.append_error(
        answer_error(command.verb, command.id_text, broker::AnswerOutcome::NotInFlight));
    return;
  }
  tools_.answers.push_back({kind_of(command.verb), *command.id, command.delay});
}

void ClientSession::answer(const Turn& turn) {
  auto& answers = tools_.answers;
  if (answers.empty()) return;
  auto& outcomes = tools_.outcomes;
  outcomes.assign(answers.size(), broker::AnswerOutcome::Done);
  subscription_->channel().answer(*subscription_, answers, turn.now, outcomes);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (outcomes[i] == broker::AnswerOutcome::Done) continue;
    turn.output.append_error(
        answer_error(verb_of(answers[i].kind), answers[i].id.to_string(), outcomes[i]));
  }
  answers.clear();
  pull_due_ = true;
}

void ClientSession::deliver(Moment now, ClientOutput& output) {
  if (!pull_due_ || subscription_ == nullptr) return;
  pull_due_ = false;
  // One pull serves every call that came before it.
  notices_.fetch_and(~kMessagesReady, std::memory_order_acq_rel);
  held_up_ = output.size() >= kMaxUnwritten;
  const broker::PullLimit limit =
      held_up_ ? broker::PullLimit{}
               : broker::PullLimit{kQuantumMessages,
                                   std::min(kQuantumBytes, kMaxUnwritten - output.size())};
  pull(now, limit, tools_.deliveries, output);
}

bool ClientSession::deliver_directly(Moment now, DirectDelivery& direct) {
  if (subscription_ == nullptr || notices_.load(std::memory_order_acquire) != kMessagesReady)
    return false;
  pull_due_ = false;
  const unsigned notices = notices_.fetch_and(~kMessagesReady, std::memory_order_acq_rel);
  pull(now, {kDirectMessages, kDirectBytes}, direct.deliveries, direct.output);
  // What has come in between relied on the call that was answered here.
  if ((notices & ~kMessagesReady) != 0) owner_.on_session_notices();
  return true;
}

void ClientSession::pull(Moment now, broker::PullLimit limit, broker::Deliveries& deliveries,
                         ClientOutput& output) {
  subscription_->channel().pull(*subscription_, now, limit, deliveries);
  output.append(deliveries);
  deliveries.clear();
}

bool ClientSession::on_output_written() {
  if (!std::exchange(held_up_, false)) return false;
  pull_due_ = true;
  return true;
}

void ClientSession::leave(Moment now) {
  if (subscription_) broker_.unsubscribe(std::exchange(subscription_, nullptr), now);
}

// --- the rest ----------------------------------------------------------------------------------

void ClientSession::on_nop(const Command&, const Turn&) {}

void ClientSession::set_state(ConnectionState state) {
  state_ = state;
  Lock lock(info_mutex_);
  info_.state = state;
}

ClientInfo ClientSession::info() const {
  Lock lock(info_mutex_);
  ClientInfo info = info_;
  for (const auto& [topic, count] : pub_counts_) info.pub_counts.push_back({topic, count});
  return info;
}

// --- notices -----------------------------------------------------------------------------------

void ClientSession::notify(unsigned notice) {
  if (notices_.fetch_or(notice, std::memory_order_acq_rel) == 0) owner_.on_session_notices();
}

ClientSession::Notice ClientSession::on_notices(ClientOutput& output) {
  const unsigned notices = notices_.exchange(0, std::memory_order_acq_rel);
  if (notices == 0 && !pull_due_) return Notice::None;
  if ((notices & kChannelClosed) != 0) return Notice::ChannelClosed;
  if ((notices & kMessagesReady) != 0) pull_due_ = true;
  if ((notices & kPublished) != 0) {
    take_settled();
    answer_commits(output);
    if (progress_ == Progress::Ended) return Notice::Ended;
  }
  if ((notices & kAuthAnswered) != 0 && progress_ == Progress::Waiting) progress_ = Progress::Open;
  return Notice::GoOn;
}

}  // namespace nsq::daemon
