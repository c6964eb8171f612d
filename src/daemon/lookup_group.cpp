#include "daemon/lookup_group.h"

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/ip/address.hpp>
#include <asio/use_awaitable.hpp>
#include <utility>

#include "base/log.h"
#include "net/connect.h"

namespace nsq::daemon {
namespace {

constexpr auto kUseTuple = asio::experimental::as_tuple(asio::use_awaitable);

bool is_name(const net::Address& address) {
  if (!address.is_tcp() || address.is_wildcard()) return false;
  std::error_code not_a_number;
  asio::ip::make_address(address.host(), not_a_number);
  return static_cast<bool>(not_a_number);
}

}  // namespace

LookupGroup::LookupGroup(const std::string& address, LookupPeer::Home home,
                         std::function<void()> on_news)
    : address_(net::Address::parse(address)),
      home_(std::move(home)),
      on_news_(std::move(on_news)),
      pause_(home_.loop) {}

void LookupGroup::start() {
  log::info("LOOKUP({}): adding peer", address_.text());
  if (is_name(address_)) {
    asio::co_spawn(home_.loop, follow_name(shared_from_this()), asio::detached);
  } else {
    is_resolved_ = true;
    add_peer(address_.text());
  }
}

void LookupGroup::stop() {
  is_stopped_ = true;
  pause_.cancel();
  for (const auto& [endpoint, peer] : peers_) peer->stop();
  peers_.clear();
}

void LookupGroup::on_topic_changed(const std::string& topic) {
  for (const auto& [endpoint, peer] : peers_) peer->on_topic_changed(topic);
}

bool LookupGroup::is_settled() const {
  return is_resolved_ && std::all_of(peers_.begin(), peers_.end(),
                                     [](const auto& entry) { return entry.second->is_settled(); });
}

std::vector<std::shared_ptr<LookupPeer>> LookupGroup::peers() const {
  std::vector<std::shared_ptr<LookupPeer>> list;
  for (const auto& [endpoint, peer] : peers_) list.push_back(peer);
  return list;
}

asio::awaitable<void> LookupGroup::follow_name(std::shared_ptr<LookupGroup> self) {
  bool was_resolved = true;
  while (!self->is_stopped_) {
    const LookupTimings& timings = self->home_.timings;
    const auto endpoints =
        co_await net::find_endpoints(self->home_.loop, self->address_, timings.connect_limit);
    if (self->is_stopped_) break;
    // A name that cannot be resolved just now leaves the peers it once stood for as they are.
    if (endpoints) {
      self->update(*endpoints);
    } else if (was_resolved) {
      log::error("LOOKUPD({}): {}", self->address_.text(), endpoints.error().to_string());
    }
    was_resolved = endpoints.ok();
    self->is_resolved_ = true;
    self->on_news_();
    const Duration patience = self->peers_.empty() ? timings.last_retry : timings.resolve_interval;
    self->pause_.expires_at((Instant::now() + patience).to_steady());
    co_await self->pause_.async_wait(kUseTuple);
  }
}

void LookupGroup::update(const std::vector<net::Endpoint>& endpoints) {
  std::map<std::string, std::shared_ptr<LookupPeer>> gone;
  gone.swap(peers_);
  for (const net::Endpoint& endpoint : endpoints) {
    const std::string text = net::to_text(endpoint);
    if (auto kept = gone.extract(text)) {
      peers_.insert(std::move(kept));
    } else if (!peers_.contains(text)) {
      add_peer(text);
    }
  }
  for (const auto& [endpoint, peer] : gone) peer->stop();
}

void LookupGroup::add_peer(const std::string& endpoint) {
  LookupPeer::Home home = home_;
  home.on_news = [weak = weak_from_this()](LookupPeer& peer) {
    if (const auto self = weak.lock()) self->on_peer_news(peer);
  };
  auto peer = std::make_shared<LookupPeer>(net::Address::parse(endpoint), std::move(home));
  peers_.emplace(endpoint, peer);
  peer->start();
}

void LookupGroup::on_peer_news(LookupPeer& peer) {
  for (const auto& [endpoint, other] : peers_) {
    if (other.get() == &peer) continue;
    if (peer.is_connected() && other->is_connected() && peer.identity() == other->identity()) {
      peer.set_aside();
    } else if (!peer.is_connected() && other->is_aside() && !peer.is_aside()) {
      other->use_again();
    }
  }
  on_news_();
}

}  // namespace nsq::daemon
