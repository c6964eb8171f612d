#include "client/subscription.h"

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <utility>

#include "base/duration_text.h"
#include "client/commands.h"
#include "nsq/client_error.h"

// Answers on their way to the daemons, and what they mean for deliveries.
namespace nsq::client {
namespace {

// Answers given within a handler's turn that is not over are looked for so often at first.
constexpr Duration kFirstLook = std::chrono::milliseconds(2);
constexpr Duration kLongestLook = std::chrono::milliseconds(50);
constexpr double kStarvation = 0.85;  // of the ready count

}  // namespace

Subscription::Subscription(asio::io_context& loop, Setup setup, std::shared_ptr<Answers> answers,
                           std::shared_ptr<HandlerPool> pool)
    : loop_(loop),
      setup_(std::move(setup)),
      config_(setup_.profile->config),
      log_(*setup_.profile->log),
      answers_(std::move(answers)),
      pool_(std::move(pool)),
      sharing_(config_.max_in_flight, config_.low_rdy_idle_timeout, config_.low_rdy_timeout),
      backoff_(config_, [this] { return random(); }),
      max_in_flight_(config_.max_in_flight),
      backoff_timer_(loop),
      redistribution_(loop),
      poll_timer_(loop),
      partial_timer_(loop),
      stop_timer_(loop) {}

double Subscription::random() {
  return std::uniform_real_distribution<double>(0, 1)(random_);
}

void Subscription::collect() {
  if (stopped_) return;
  answers_->take(taken_);
  for (const Slice& slice : taken_.slices) take_answers(slice, true);
  for (const Slice& touched : taken_.touches) {
    const auto link = by_number_.find(touched.batch->origin->connection);
    Delivery& delivery = (*touched.batch)[touched.begin];
    if (link == by_number_.end() || !delivery.answer.is_open()) continue;
    append_touch(link->second->commands, id_of(delivery));
    mark_to_send(*link->second);
  }
  taken_.slices.clear();  // and with them the messages
  taken_.touches.clear();
  update_starvation();
  send_marked();
}

void Subscription::take_answers(const Slice& slice, bool last_look) {
  const auto found = by_number_.find(slice.batch->origin->connection);
  Link* link = found == by_number_.end() ? nullptr : found->second;
  for (std::uint32_t i = slice.begin; i < slice.end; ++i) {
    Delivery& delivery = (*slice.batch)[i];
    const AnswerState::Kind kind = delivery.answer.collect(last_look);
    const bool is_answer = kind > AnswerState::Late && kind != AnswerState::Collected;
    // Without the connection the daemon delivers the message again, whatever we say.
    if (is_answer && link != nullptr) forward(*link, delivery, kind);
  }
  if (link == nullptr) return;
  mark_to_send(*link);
}

// The RDY that an answer leads to goes before it, so that the daemon cannot deliver in between.
void Subscription::forward(Link& link, Delivery& delivery, AnswerState::Kind kind) {
  if (kind == AnswerState::Finished) {
    if (!backoff_.is_normal()) react(Backoff::Event::Success);
    append_fin(link.commands, id_of(delivery));
    counters_.finished.fetch_add(1, std::memory_order_relaxed);
  } else {
    react(kind == AnswerState::Requeued ? Backoff::Event::Failure : Backoff::Event::Neutral);
    append_req(link.commands, id_of(delivery),
               std::chrono::milliseconds(delivery.answer.delay_ms()));
    counters_.requeued.fetch_add(1, std::memory_order_relaxed);
  }
  link.in_flight -= std::min<std::size_t>(1, link.in_flight);
  counters_.in_flight.fetch_sub(1, std::memory_order_relaxed);
}

void Subscription::react(Backoff::Event event) {
  if (stopping_) return;
  switch (backoff_.on(event)) {
    case Backoff::Action::None:
      return;
    case Backoff::Action::Wait:
      return begin_backoff();
    case Backoff::Action::Resume:
      log_.warning("exiting backoff, returning all to RDY {}", sharing_.max_in_flight());
      counters_.backoff_level = 0;
      if (setup_.observer.on_backoff) setup_.observer.on_backoff(0, Duration::zero());
      apply(sharing_.resume(Instant::now()));
  }
}

void Subscription::begin_backoff() {
  log_.warning("backing off for {} (backoff level {}), setting all to RDY 0",
               duration_text(backoff_.wait()), backoff_.level());
  counters_.backoff_level = backoff_.level();
  if (setup_.observer.on_backoff) setup_.observer.on_backoff(backoff_.level(), backoff_.wait());
  apply(sharing_.withhold(Instant::now()));
  backoff_timer_.expires_after(backoff_.wait());
  backoff_timer_.async_wait([self = shared_from_this()](std::error_code error) {
    if (!error) self->test_after_backoff();
  });
}

void Subscription::test_after_backoff() {
  if (stopping_) return;
  if (sharing_.size() == 0) {
    log_.warning("no connection available to resume");
    backoff_timer_.expires_after(std::chrono::seconds(1));
    backoff_timer_.async_wait([self = shared_from_this()](std::error_code error) {
      if (!error) self->test_after_backoff();
    });
    return;
  }
  backoff_.waited();
  const auto changes = sharing_.test_one(Instant::now());
  for (const auto& change : changes) {
    if (change.count == 0) continue;
    log_.warning("({}) backoff timeout expired, sending RDY 1", by_number_[change.id]->address);
  }
  apply(changes);
  send_marked();
}

void Subscription::apply(const ReadySharing::Changes& changes) {
  if (stopping_) return;
  for (const auto& change : changes) {
    const auto found = by_number_.find(change.id);
    if (found == by_number_.end()) continue;
    Link& link = *found->second;
    log_.debug("({}) sending RDY {}", link.address, change.count);
    append_rdy(link.commands, change.count);
    // A message may be delivered again while it is still held here, hence more than its RDY.
    const auto bound = 4 * static_cast<std::size_t>(change.count) + 4096;
    link.most_in_flight = std::max(link.most_in_flight, bound);
    mark_to_send(link);
  }
}

void Subscription::mark_to_send(Link& link) {
  if (!std::exchange(link.is_listed_for_send, true)) to_send_.push_back(&link);
}

void Subscription::send_marked() {
  for (Link* link : to_send_) {
    link->is_listed_for_send = false;
    if (!link->connection) {
      link->commands.clear();
      continue;
    }
    if (!link->commands.empty()) link->connection->send_and_clear(link->commands);
    end_if_drained(*link);
  }
  to_send_.clear();
}

// A handler that is slow with one message of a slice must not hold up the answers to those before
// it, so the slices at work are looked at now and then.
void Subscription::look_for_partial_answers() {
  if (std::exchange(is_partial_armed_, true)) return;
  partial_timer_.expires_after(partial_wait_);
  partial_timer_.async_wait([self = shared_from_this()](std::error_code error) {
    self->is_partial_armed_ = false;
    if (error || self->stopped_ || self->pool_->is_idle()) return;
    const std::uint64_t before = self->counters_.finished + self->counters_.requeued;
    self->current_.clear();
    self->pool_->list_current(self->current_);
    // What workers had put down before they began with these goes first, so that a worker's answers
    // keep the order of its messages.
    self->collect();
    for (const Slice& slice : self->current_) self->take_answers(slice, false);
    self->current_.clear();
    self->update_starvation();
    self->send_marked();
    const bool has_found = self->counters_.finished + self->counters_.requeued != before;
    self->partial_wait_ = has_found ? kFirstLook : std::min(2 * self->partial_wait_, kLongestLook);
    self->look_for_partial_answers();
  });
}

void Subscription::deliver(Link& link) {
  if (batch_.empty()) return;
  const Instant now = Instant::now();
  BatchRef batch = BatchRef::make(link.origin, link.connection->block(), batch_);
  link.in_flight += batch_.size();
  counters_.in_flight.fetch_add(batch_.size(), std::memory_order_relaxed);
  counters_.received.fetch_add(batch_.size(), std::memory_order_relaxed);
  sharing_.on_message(link.number, now);
  batch_.clear();
  if (giving_back_) {
    for (std::uint32_t i = 0; i < batch->count; ++i) {
      (*batch)[i].answer.answer(AnswerState::RequeuedNeutral);
    }
    take_answers({batch, 0, batch->count}, true);
    return send_marked();
  }
  update_starvation();  // a handler may ask at once
  pool_->offer(std::move(batch));
  partial_wait_ = kFirstLook;
  look_for_partial_answers();
}

void Subscription::update_starvation() {
  bool starved = false;
  for (const auto& [number, link] : by_number_) {
    const auto ready = static_cast<double>(sharing_.ready_count(number));
    const auto enough = static_cast<std::size_t>(kStarvation * ready);
    starved = starved || (link->in_flight > 0 && link->in_flight >= enough);
  }
  counters_.is_starved.store(starved, std::memory_order_relaxed);
}

void Subscription::arm_redistribution() {
  redistribution_.expires_after(config_.rdy_redistribute_interval);
  redistribution_.async_wait([self = shared_from_this()](std::error_code error) {
    if (error || self->stopping_ || self->by_number_.empty()) return;
    self->apply(self->sharing_.redistribute(Instant::now()));
    self->send_marked();
    self->arm_redistribution();
  });
}

void Subscription::set_max_in_flight(std::int64_t count) {
  max_in_flight_ = std::max<std::int64_t>(count, 0);
  set_limit();
}

void Subscription::set_paused(bool paused) {
  paused_ = paused;
  set_limit();
}

void Subscription::set_limit() {
  if (stopping_) return;
  apply(sharing_.set_max_in_flight(paused_ ? 0 : max_in_flight_, Instant::now()));
  send_marked();
}

void Subscription::stop(Stop how) {
  if (how == Stop::GiveBack && !stopped_) {
    giving_back_ = true;
    for (const Slice& slice : pool_->take_unclaimed()) {
      for (std::uint32_t i = slice.begin; i < slice.end; ++i) {
        (*slice.batch)[i].answer.answer(AnswerState::RequeuedNeutral);
      }
      take_answers(slice, true);
    }
    send_marked();
  }
  if (std::exchange(stopping_, true)) return;
  log_.info("stopping...");
  if (const auto latch = first_poll_.lock()) latch->release();
  poll_timer_.cancel();
  backoff_timer_.cancel();
  redistribution_.cancel();
  for (const auto& [address, link] : links_) {
    link->retry.cancel();
    if (const auto opening = link->opening.lock(); opening && !link->connection) {
      opening->close(Error(ClientErrc::Stopped, ""));
    }
    if (!link->connection) continue;
    append_cls(link->commands);
    mark_to_send(*link);
  }
  send_marked();
  if (running_ == 0) return finish_stopping();
  stop_timer_.expires_after(config_.stop_timeout);
  stop_timer_.async_wait([self = shared_from_this()](std::error_code error) {
    if (!error) self->cut_off();
  });
}

void Subscription::cut_off() {
  stopping_ = true;
  for (asio::steady_timer* timer : {&backoff_timer_, &redistribution_, &poll_timer_}) {
    timer->cancel();
  }
  for (const auto& [address, link] : links_) {
    link->retry.cancel();
    if (link->connection) link->connection->close();
  }
  finish_stopping();
}

void Subscription::close() {
  cut_off();
  pool_.reset();
  setup_.observer = {};
  setup_.discovery_filter = nullptr;
  // Attempts to connect that are still under way have nobody to tell.
  log_.silence();
}

void Subscription::finish_stopping() {
  if (std::exchange(stopped_, true)) return;
  stop_timer_.cancel();
  partial_timer_.cancel();
  answers_->close();
  log_.info("finished draining, cleanup exiting");
  setup_.on_stopped();
}

}  // namespace nsq::client
