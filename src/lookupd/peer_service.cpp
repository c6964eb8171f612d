#include "lookupd/peer_service.h"

#include <utility>
#include <vector>

#include "base/log.h"

namespace nsq::lookupd {

PeerService::PeerService(Registry& registry, const Options& options, Limits limits,
                         std::string own_identity)
    : limits_(limits),
      own_identity_(std::move(own_identity)),
      home_{.registry = registry,
            .limits = limits_,
            .own_identity = own_identity_,
            .silence_timeout = options.inactive_producer_timeout + limits.silence_timeout} {}

void PeerService::accept(net::Socket socket) {
  if (is_closed_) return;
  if (connections_.size() >= limits_.connections) {
    if (!is_full_) log::error("TCP: too many clients ({}), refusing more", limits_.connections);
    is_full_ = true;
    return;
  }
  is_full_ = false;
  const auto connection = std::make_shared<PeerConnection>(
      std::move(socket), home_, [this](PeerConnection& gone) { connections_.erase(&gone); });
  connections_.emplace(connection.get(), connection);
  connection->start();
}

void PeerService::close_all() {
  is_closed_ = true;
  std::vector<std::shared_ptr<PeerConnection>> alive;
  for (const auto& entry : connections_) {
    if (auto held = entry.second.lock()) alive.push_back(std::move(held));
  }
  for (const auto& connection : alive) connection->close();
}

}  // namespace nsq::lookupd
