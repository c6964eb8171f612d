#include "daemon/lookup_peer.h"

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/use_awaitable.hpp>
#include <random>
#include <utility>

#include "base/log.h"
#include "net/connect.h"

namespace nsq::daemon {
namespace {

constexpr auto kUseTuple = asio::experimental::as_tuple(asio::use_awaitable);
// Of attempts that fail in a row, one in so many is logged.
constexpr int kLoggedFailures = 20;

// Between 3/4 and 5/4 of it, so that the daemons of a cluster do not all come at once.
Duration spread(Duration duration) {
  static thread_local std::minstd_rand random{std::random_device{}()};
  return duration * (750 + static_cast<int>(random() % 501)) / 1000;
}

}  // namespace

LookupPeer::LookupPeer(net::Address address, Home home)
    : address_(std::move(address)),
      home_(std::move(home)),
      registrations_(home_.broker),
      pause_(home_.loop) {}

void LookupPeer::start() {
  asio::co_spawn(home_.loop, run(shared_from_this()), asio::detached);
}

void LookupPeer::stop() {
  is_stopped_ = true;
  if (link_) link_->close("not wanted any more");
  pause_.cancel();
}

void LookupPeer::on_topic_changed(const std::string& topic) {
  if (!is_connected_) return;  // a new connection looks at everything
  registrations_.note_change(topic);
  link_->wake();
}

void LookupPeer::set_aside() {
  is_aside_ = true;
  if (link_) link_->close("known by another address");
}

void LookupPeer::use_again() {
  is_aside_ = false;
  pause_.cancel();
}

asio::awaitable<void> LookupPeer::run(std::shared_ptr<LookupPeer> self) {
  Duration delay = self->home_.timings.first_retry;
  while (!self->is_stopped_) {
    if (self->is_aside_) {
      co_await self->pause(Duration::max());
      continue;
    }
    if (co_await self->attempt()) delay = self->home_.timings.first_retry;
    self->settle();
    if (self->is_stopped_ || self->is_aside_) continue;
    co_await self->pause(spread(delay));
    delay = std::min(2 * delay, self->home_.timings.last_retry);
  }
}

// Connects, and stays connected as long as that lasts. False if it came to nothing.
asio::awaitable<bool> LookupPeer::attempt() {
  if (failures_ % kLoggedFailures == 0) log::info("LOOKUP connecting to {}", address());
  auto socket = co_await net::connect(home_.loop, address_, home_.timings.connect_limit);
  if (is_stopped_) co_return false;
  if (!socket) {
    tell_failure(socket.error().context());
    co_return false;
  }
  link_ = std::make_shared<LookupLink>(
      std::move(*socket),
      LookupLink::Home{.registrations = registrations_,
                       .introduction = home_.introduction,
                       .timings = home_.timings,
                       .on_introduced = [this](const auto& identity) { on_introduced(identity); }});
  const std::string reason = co_await LookupLink::run(link_);
  link_.reset();
  const bool was_connected = std::exchange(is_connected_, false);
  if (!is_stopped_ && !is_aside_) tell_failure(reason);
  if (was_connected) home_.on_news(*this);
  co_return was_connected;
}

asio::awaitable<void> LookupPeer::pause(Duration duration) {
  pause_.expires_at((Instant::now() + duration).to_steady());
  co_await pause_.async_wait(kUseTuple);
}

void LookupPeer::on_introduced(const protocol::PeerIdentity& identity) {
  log::info("LOOKUPD({}): peer info {{TCPPort:{} HTTPPort:{} Version:{} BroadcastAddress:{}}}",
            address(), identity.tcp_port, identity.http_port, identity.version,
            identity.broadcast_address);
  identity_ = identity;
  is_connected_ = true;
  failures_ = 0;
  settle();
}

// A peer that was connected a moment ago may still be asked over HTTP; one that cannot be connected
// to is not there.
void LookupPeer::tell_failure(const std::string& reason) {
  if (!is_connected_ && failures_ > 0) identity_.reset();
  if (failures_++ % kLoggedFailures == 0) log::error("LOOKUPD({}): {}", address(), reason);
}

void LookupPeer::settle() {
  is_settled_ = true;
  home_.on_news(*this);
}

}  // namespace nsq::daemon
