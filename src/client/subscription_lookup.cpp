#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/use_awaitable.hpp>
#include <utility>

#include "client/lookup.h"
#include "client/subscription.h"
#include "nsq/client_error.h"

// Discovery: all lookupds are asked at the same time, and the daemons any of them names are
// connected to. None is given up because a lookupd no longer names it.
namespace nsq::client {
namespace {
constexpr auto kUseTuple = asio::experimental::as_tuple(asio::use_awaitable);
// Daemons connected to, however many a lookupd names.
constexpr std::size_t kMaxLinks = 10'000;
}  // namespace

asio::awaitable<Result<void>> Subscription::add_lookupds(std::vector<std::string> addresses) {
  if (stopping_) co_return Error(ClientErrc::Stopped, "");
  for (std::string& address : addresses) {
    const auto url = lookup_url(address, setup_.topic);
    if (!url) co_return url.error();
    const bool is_known = std::any_of(lookupds_.begin(), lookupds_.end(),
                                      [&](const auto& known) { return known->url == *url; });
    if (!is_known) {
      lookupds_.push_back(std::make_shared<Lookupd>(Lookupd{std::move(address), *url}));
    }
  }
  if (lookupds_.empty() || std::exchange(is_polling_, true)) co_return Result<void>();
  const auto latch = std::make_shared<Latch>(loop_);
  first_poll_ = latch;
  last_poll_ = Instant::now();
  ask_all(latch);
  co_await latch->wait();
  if (!stopping_) asio::co_spawn(loop_, keep_polling(shared_from_this()), asio::detached);
  co_return Result<void>();
}

Result<void> Subscription::remove_lookupd(const std::string& address) {
  const auto found = std::find_if(lookupds_.begin(), lookupds_.end(),
                                  [&](const auto& known) { return known->address == address; });
  if (found == lookupds_.end()) return Error(ClientErrc::InvalidArgument, "not connected");
  if (lookupds_.size() == 1) {
    return Error(ClientErrc::InvalidArgument, "cannot disconnect from only remaining nsqlookupd");
  }
  lookupds_.erase(found);
  return {};
}

asio::awaitable<void> Subscription::keep_polling(SelfPtr self) {
  while (!self->stopping_) {
    if (!self->is_poll_due_) {
      self->poll_timer_.expires_after(self->next_poll());
      co_await self->poll_timer_.async_wait(kUseTuple);
    }
    // However often connections are lost, there is a time between polls.
    const Instant earliest = self->last_poll_ + self->config_.reconnect_delay;
    while (!self->stopping_ && Instant::now() < earliest && self->is_poll_due_) {
      self->poll_timer_.expires_at(earliest.to_steady());
      co_await self->poll_timer_.async_wait(kUseTuple);
    }
    if (self->stopping_) break;
    self->is_poll_due_ = false;
    self->last_poll_ = Instant::now();
    self->ask_all(nullptr);  // one that hangs holds up nobody else
  }
}

// The first wait is random, so that consumers started together do not ask together for ever.
// After a loss, waits are short at first: the daemon may be restarting.
Duration Subscription::next_poll() {
  const Duration interval = config_.lookupd_poll_interval;
  if (!std::exchange(jitter_is_over_, true)) {
    const double share = random() * config_.lookupd_poll_jitter;
    return Duration(static_cast<std::int64_t>(share * static_cast<double>(interval.count())));
  }
  if (hurry_ == Duration::zero()) return interval;
  const Duration wait = std::min(hurry_, interval);
  hurry_ = hurry_ < interval ? 2 * hurry_ : Duration::zero();
  return wait;
}

void Subscription::poll_soon() {
  if (!is_polling_ || stopping_) return;
  hurry_ = config_.reconnect_delay;
  is_poll_due_ = true;
  poll_timer_.cancel();
}

void Subscription::ask_all(const std::shared_ptr<Latch>& latch) {
  for (const auto& lookupd : lookupds_) {
    if (std::exchange(lookupd->is_asked, true)) continue;
    if (latch) latch->expect();
    asio::co_spawn(loop_, ask(shared_from_this(), lookupd, latch), asio::detached);
  }
}

asio::awaitable<void> Subscription::ask(SelfPtr self, std::shared_ptr<Lookupd> lookupd,
                                        std::shared_ptr<Latch> latch) {
  self->log_.info("querying nsqlookupd {}", lookupd->url);
  // Outside the call: GCC 12 destroys a conditional's temporary twice when it awaits.
  std::string secret;
  if (self->config_.skip_lookupd_authorization) secret = self->config_.auth_secret;
  auto answer = co_await ask_lookupd(self->loop_, lookupd->url, secret, self->setup_.profile->tls,
                                     self->config_.lookupd_poll_timeout);
  lookupd->is_asked = false;
  if (self->stopping_) {
    // Nobody wants to know any more.
  } else if (answer) {
    self->found(std::move(*answer), latch);
  } else {
    self->log_.error("error querying nsqlookupd ({}) - {}", lookupd->url,
                     answer.error().to_string());
  }
  if (latch) latch->arrive();
}

void Subscription::found(std::vector<std::string> addresses, const std::shared_ptr<Latch>& latch) {
  if (setup_.discovery_filter) addresses = setup_.discovery_filter(std::move(addresses));
  for (const std::string& address : addresses) {
    auto& link = links_[address];
    if (!link) link = std::make_shared<Link>(loop_, address);
    if (link->is_running || stopping_) continue;
    if (links_.size() > kMaxLinks) {
      links_.erase(address);
      continue;
    }
    if (latch) {
      latch->expect();
      link->attempted = latch;
    }
    start(link);
  }
}

}  // namespace nsq::client
