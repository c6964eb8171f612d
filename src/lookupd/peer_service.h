#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <unordered_map>

#include "lookupd/options.h"
#include "lookupd/peer_connection.h"
#include "lookupd/registry.h"
#include "net/socket.h"

namespace nsq::lookupd {

// The daemons that are connected: makes a connection of every accepted socket.
//
// Threading: confined to the registry's loop.
class PeerService {
 public:
  // The registry outlives the connections, which end at the latest with their loop.
  PeerService(Registry& registry, const Options& options, Limits limits, std::string own_identity);
  // Requires: no connection is left.
  ~PeerService() = default;
  PeerService(const PeerService&) = delete;
  PeerService& operator=(const PeerService&) = delete;

  void accept(net::Socket socket);
  // Closes every connection, and each one accepted from now on.
  void close_all();

  std::size_t connection_count() const { return connections_.size(); }

 private:
  const Limits limits_;
  const std::string own_identity_;
  const PeerConnection::Home home_;
  std::unordered_map<PeerConnection*, std::weak_ptr<PeerConnection>> connections_;
  bool is_closed_ = false;
  bool is_full_ = false;  // the last connection was refused, and that was logged
};

}  // namespace nsq::lookupd
