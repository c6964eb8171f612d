#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/use_awaitable.hpp>
#include <utility>

#include "base/duration_text.h"
#include "client/commands.h"
#include "client/subscription.h"
#include "nsq/client_error.h"

// A subscription's connections: how they begin, what comes over them, how they end and begin again.
namespace nsq::client {
namespace {
constexpr auto kUseTuple = asio::experimental::as_tuple(asio::use_awaitable);
}

asio::awaitable<Result<void>> Subscription::connect(std::string address) {
  if (stopping_) co_return Error(ClientErrc::Stopped, "");
  if (const auto known = links_.find(address); known != links_.end()) {
    // What discovery found becomes something the user asked for.
    known->second->is_direct = true;
    co_return Error(ClientErrc::AlreadyConnected, address);
  }
  const auto link = std::make_shared<Link>(loop_, address);
  link->is_direct = true;
  link->is_running = true;
  links_[address] = link;
  ++running_;
  const auto attempted = co_await attempt(link);
  if (!attempted) {
    link->is_removed = true;
    ended(*link);
    co_return attempted.error();
  }
  asio::co_spawn(loop_, keep(shared_from_this(), link), asio::detached);
  co_return Result<void>();
}

Result<void> Subscription::disconnect(const std::string& address) {
  const auto found = links_.find(address);
  if (found == links_.end()) return Error(ClientErrc::InvalidArgument, "not connected");
  Link& link = *found->second;
  link.is_removed = true;
  link.is_direct = false;
  link.retry.cancel();
  if (link.connection) link.connection->close();
  if (!link.is_running) links_.erase(found);
  return {};
}

bool Subscription::may_reconnect(const Link& link) const {
  return !stopping_ && !link.is_removed && link.is_direct;
}

// One that was found and cannot be reached is left to the next poll once that comes sooner.
bool Subscription::may_redial(const Link& link) const {
  const bool before_poll = is_polling_ && link.delay < config_.lookupd_poll_interval;
  return may_reconnect(link) || (!stopping_ && !link.is_removed && before_poll);
}

void Subscription::start(const LinkPtr& link) {
  link->is_running = true;
  ++running_;
  asio::co_spawn(loop_, keep(shared_from_this(), link), asio::detached);
}

// Until the connection need not come back. A link that was found and lost ends here, and begins
// again when it is found again.
asio::awaitable<void> Subscription::keep(SelfPtr self, LinkPtr link) {
  while (!self->stopping_ && !link->is_removed) {
    if (!link->connection) {
      co_await wait_to_retry(self, link);
      if (self->stopping_ || link->is_removed) break;
      const auto attempted = co_await self->attempt(link);
      if (!attempted && !self->stopping_) {
        self->log_.error("({}) error connecting to nsqd - {}", link->address,
                         attempted.error().to_string());
      }
      if (!attempted && !self->may_redial(*link)) break;
      if (!attempted) continue;
    }
    const Error reason = co_await consume(self, link);
    self->on_lost(*link, reason);
    if (!self->may_reconnect(*link)) break;
  }
  self->ended(*link);
}

asio::awaitable<void> Subscription::wait_to_retry(SelfPtr self, LinkPtr link) {
  const Duration delay = link->not_before - Instant::now();
  if (delay <= Duration::zero()) co_return;
  self->log_.info("({}) re-connecting in {}", link->address, duration_text(link->delay));
  link->retry.expires_after(delay);
  co_await link->retry.async_wait(kUseTuple);
}

// Opens a connection and subscribes. A failure makes the next attempt wait longer.
asio::awaitable<Result<void>> Subscription::attempt(LinkPtr link) {
  log_.info("({}) connecting to nsqd", link->address);
  link->delay = std::clamp<Duration>(
      2 * link->delay, config_.reconnect_delay,
      std::max<Duration>(config_.lookupd_poll_interval, config_.reconnect_delay));
  auto opened = co_await Connection::open(loop_, link->address, setup_.profile, link->opening);
  link->not_before = Instant::now() + link->delay;
  if (const auto latch = std::exchange(link->attempted, nullptr)) latch->arrive();
  if (!opened) co_return opened.error();
  if (stopping_ || link->is_removed) {
    (*opened)->close();
    co_return Error(ClientErrc::Stopped, "");
  }
  on_connected(*link, std::move(*opened));
  co_return Result<void>();
}

void Subscription::on_connected(Link& link, std::shared_ptr<Connection> connection) {
  const Instant now = Instant::now();
  link.connection = std::move(connection);
  link.connected_at = now;
  link.number = ++last_number_;
  link.origin = std::make_shared<const Origin>(
      Origin{link.address, link.number, answers_, setup_.profile->log,
             link.connection->msg_timeout(), link.connection->max_msg_timeout()});
  link.in_flight = 0;
  link.most_in_flight = 4096;
  link.is_subscribed = link.is_drained = false;
  link.commands.clear();
  by_number_[link.number] = &link;
  counters_.connections = by_number_.size();

  append_sub(link.commands, setup_.topic, setup_.channel);
  mark_to_send(link);
  const std::int64_t limit = link.connection->max_rdy_count();
  if (limit < sharing_.max_in_flight()) {
    log_.warning("({}) max RDY count {} < consumer max in flight {}, truncation possible",
                 link.address, limit, sharing_.max_in_flight());
  }
  apply(sharing_.add(link.number, limit, now));
  send_marked();
  if (by_number_.size() == 1) arm_redistribution();
  if (setup_.observer.on_connection) setup_.observer.on_connection(link.address, true);
}

void Subscription::on_lost(Link& link, const Error& reason) {
  const Instant now = Instant::now();
  if (!stopping_ && !link.is_removed)
    log_.error("({}) IO error - {}", link.address, reason.to_string());
  by_number_.erase(link.number);
  counters_.connections = by_number_.size();
  counters_.in_flight -= link.in_flight;
  link.in_flight = 0;
  link.connection.reset();
  link.origin.reset();
  // One that has held for a while may come back at once, nearly.
  if (now - link.connected_at >= link.delay) link.delay = config_.reconnect_delay;
  link.not_before = now + link.delay;
  if (!stopping_) log_.warning("there are {} connections left alive", by_number_.size());
  apply(sharing_.remove(link.number, now));
  update_starvation();
  send_marked();
  if (setup_.observer.on_connection && !stopped_) {
    setup_.observer.on_connection(link.address, false);
  }
  if (!link.is_removed) poll_soon();
}

// The last word of the coroutine that kept it.
void Subscription::ended(Link& link) {
  link.is_running = false;
  if (const auto latch = std::exchange(link.attempted, nullptr)) latch->arrive();
  if (link.is_removed) links_.erase(link.address);
  if (--running_ == 0 && stopping_) finish_stopping();
}

// Receives until the connection ends, and says why it did.
asio::awaitable<Error> Subscription::consume(SelfPtr self, LinkPtr link) {
  // Held here: the link lets go of its connection.
  const std::shared_ptr<Connection> connection = link->connection;
  while (true) {
    if (const auto received = co_await connection->receive(); !received) {
      co_return received.error();
    }
    auto taken = self->take_frames(*link);
    if (taken && !link->is_subscribed &&
        Instant::now() - link->connected_at > self->config_.read_timeout) {
      taken = Error(ClientErrc::Silent, "no answer to SUB");
    }
    if (!taken) {
      connection->close();
      co_return taken.error();
    }
  }
}

Result<void> Subscription::take_frames(Link& link) {
  if (stopped_) return Error(ClientErrc::Stopped, "");
  batch_.clear();
  Result<void> result;
  while (result) {
    const auto next = link.connection->next_frame();
    if (!next) result = next.error();
    if (!next || !*next) break;
    const protocol::Frame& frame = **next;
    if (frame.is(protocol::FrameType::Message)) {
      if (frame.data.size() < protocol::kMessageHeaderBytes) {
        result = Error(ClientErrc::NotNsq, "a message too short to be one");
      } else {
        batch_.push_back(frame.data);
      }
    } else if (frame.is(protocol::FrameType::Error)) {
      result = on_error_frame(link, frame.data);
    } else {
      result = on_response(link, frame.data);
    }
  }
  if (link.in_flight + batch_.size() > link.most_in_flight) {
    return Error(ClientErrc::NotNsq, "many more messages than were asked for");
  }
  // What came before an error is as good as ever, but no answer to it would arrive.
  if (!result) return result;
  deliver(link);
  end_if_drained(link);
  return {};
}

// The only responses a consumer gets: OK to SUB, CLOSE_WAIT to CLS.
Result<void> Subscription::on_response(Link& link, std::string_view text) {
  if (text == "CLOSE_WAIT") {
    log_.info("({}) received CLOSE_WAIT from nsqd", link.address);
    link.is_drained = true;
  } else {
    link.is_subscribed = true;
  }
  return {};
}

Result<void> Subscription::on_error_frame(Link& link, std::string_view text) {
  log_.error("({}) protocol error - {}", link.address, text);
  const bool is_late = text.starts_with("E_FIN_FAILED") || text.starts_with("E_REQ_FAILED") ||
                       text.starts_with("E_TOUCH_FAILED");
  if (!is_late) return Error(ClientErrc::Refused, std::string(text));
  counters_.late_answers.fetch_add(1, std::memory_order_relaxed);
  if (setup_.observer.on_late_answer) setup_.observer.on_late_answer(link.address, text);
  return {};
}

// The daemon processes what was sent before the end of our half, and then closes its own.
void Subscription::end_if_drained(Link& link) {
  if (link.is_drained && link.in_flight == 0 && link.connection) link.connection->end_sending();
}

}  // namespace nsq::client
