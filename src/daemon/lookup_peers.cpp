#include "daemon/lookup_peers.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <asio/post.hpp>
#include <future>
#include <utility>

#include "base/log.h"
#include "base/version.h"

namespace nsq::daemon {
namespace {

std::string introduction(const Options& options) {
  char name[256] = "";
  if (::gethostname(name, sizeof name - 1) != 0) name[0] = '\0';
  return protocol::encode_daemon_identity({.broadcast_address = options.broadcast_address,
                                           .hostname = name,
                                           .tcp_port = options.broadcast_tcp_port,
                                           .http_port = options.broadcast_http_port,
                                           .version = std::string(version()),
                                           .topology_zone = options.topology_zone,
                                           .topology_region = options.topology_region});
}

std::string host_and_port(const std::string& host, std::int64_t port) {
  const bool is_ipv6 = host.find(':') != std::string::npos && !host.starts_with('[');
  return fmt::format("{}{}{}:{}", is_ipv6 ? "[" : "", host, is_ipv6 ? "]" : "", port);
}

}  // namespace

LookupPeers::LookupPeers(broker::Broker& broker, const Options& options, LookupTimings timings)
    : broker_(broker),
      options_(options),
      timings_(timings),
      introduction_(introduction(options)),
      has_addresses_(!options.nsqlookupd_tcp_addresses.empty()) {
  channels_ = std::make_shared<LookupChannels>(
      LookupChannels::Home{.loop = loops_.loop(0),
                           .broker = broker_,
                           .connect_limit = options.http_client_connect_timeout,
                           .limit = options.http_client_request_timeout,
                           .is_settled = [this] { return is_settled(); },
                           .addresses = [this] { return http_addresses(); }});
}

LookupPeers::~LookupPeers() {
  stop();
}

void LookupPeers::start() {
  is_running_ = true;
  update_groups(options_.nsqlookupd_tcp_addresses);
  loops_.start();
}

void LookupPeers::stop() {
  if (!is_running_.exchange(false)) return;
  log::info("LOOKUP: closing");
  std::promise<void> closed;
  asio::post(loops_.loop(0), [&] {
    update_groups({});
    closed.set_value();
  });
  closed.get_future().wait();
  loops_.stop();
  loops_.join();
}

// --- addresses ---------------------------------------------------------------------------------

void LookupPeers::set_addresses(std::vector<std::string> addresses) {
  has_addresses_ = !addresses.empty();
  asio::post(loops_.loop(0),
             [this, addresses = std::move(addresses)] { update_groups(addresses); });
}

LookupPeer::Home LookupPeers::peer_home() {
  return {.loop = loops_.loop(0),
          .broker = broker_,
          .introduction = introduction_,
          .timings = timings_,
          .on_news = nullptr};
}

void LookupPeers::update_groups(const std::vector<std::string>& addresses) {
  Groups gone;
  gone.swap(groups_);
  for (const std::string& address : addresses) {
    if (address.empty() || groups_.contains(address)) continue;
    if (auto kept = gone.extract(address)) {
      groups_.insert(std::move(kept));
      continue;
    }
    auto group =
        std::make_shared<LookupGroup>(address, peer_home(), [this] { channels_->on_news(); });
    groups_.emplace(address, group);
    group->start();
  }
  for (const auto& [address, group] : gone) {
    if (is_running_) log::info("LOOKUP({}): removing peer", address);
    group->stop();
  }
  channels_->on_news();
}

// --- changes -----------------------------------------------------------------------------------

void LookupPeers::on_topic_created(const std::shared_ptr<broker::Topic>& topic) {
  // Started also if it is not held, which does nothing: whether it is was decided a moment ago.
  asio::post(loops_.loop(0), [this, topic] {
    if (groups_.empty()) return topic->start(Moment::now());
    channels_->prepare(topic);
  });
  on_topic_changed(topic->name());
}

void LookupPeers::on_topic_changed(const std::string& topic) {
  {
    const Lock lock(mutex_);
    const bool is_on_its_way = !changed_.empty();
    changed_.insert(topic);
    if (is_on_its_way) return;
  }
  asio::post(loops_.loop(0), [this] { tell_changes(); });
}

void LookupPeers::tell_changes() {
  std::set<std::string> changed;
  {
    const Lock lock(mutex_);
    changed.swap(changed_);
  }
  for (const auto& [address, group] : groups_) {
    for (const std::string& topic : changed) group->on_topic_changed(topic);
  }
}

// --- asking ------------------------------------------------------------------------------------

bool LookupPeers::is_settled() const {
  return std::all_of(groups_.begin(), groups_.end(),
                     [](const auto& entry) { return entry.second->is_settled(); });
}

std::vector<std::string> LookupPeers::http_addresses() const {
  std::set<std::string> addresses;
  for (const auto& [name, group] : groups_) {
    for (const auto& peer : group->peers()) {
      const auto& identity = peer->identity();
      if (!identity || identity->broadcast_address.empty()) continue;
      addresses.insert(host_and_port(identity->broadcast_address, identity->http_port));
    }
  }
  return {addresses.begin(), addresses.end()};
}

}  // namespace nsq::daemon
