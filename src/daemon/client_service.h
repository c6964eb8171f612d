#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "broker/broker.h"
#include "daemon/client_connection.h"
#include "daemon/client_tools.h"
#include "daemon/options.h"
#include "net/event_loops.h"
#include "net/socket.h"
#include "net/tls_acceptor.h"

namespace nsq::daemon {

// The daemon's V2 clients: makes a connection of every accepted socket and knows those that live.
//
// Threading: shared.
class ClientService final : private ClientConnection::Host {
 public:
  // What there is for TLS. Null: clients cannot have it; auth servers are not asked by https.
  struct Tls {
    net::TlsAcceptor* acceptor = nullptr;
    std::shared_ptr<const net::TlsContext> to_auth_servers = nullptr;
  };

  // `broker`, `options` and the acceptor must outlive the connections, which end at the latest with
  // `loops`; destroy the service after those.
  ClientService(net::EventLoops& loops, broker::Broker& broker, const Options& options, Tls tls);
  ~ClientService();

  // A client has connected. To be called on the socket's loop.
  void accept(net::Socket socket);

  // The clients connected now, in no particular order. A consumer found in the broker's statistics
  // is the ClientSession of one of these.
  std::vector<std::shared_ptr<ClientConnection>> connections() const;
  std::uint64_t accepted_count() const { return accepted_count_.load(std::memory_order_relaxed); }
  std::uint64_t closed_count(CloseReason reason) const;

  // Closes every connection without a word, and each one accepted from now on. Returns at once.
  void close_all();

 private:
  struct LoopTools {
    const asio::execution_context* loop;
    std::unique_ptr<ClientTools> tools;
  };

  void on_closed(const ClientConnection& connection, CloseReason reason) override;
  ClientTools& tools_of(net::Socket& socket);

  broker::Broker& broker_;
  const Options& options_;
  std::vector<LoopTools> tools_;  // never changes, so that any thread may look its own up

  mutable Mutex mutex_;
  std::unordered_map<const ClientConnection*, std::weak_ptr<ClientConnection>> connections_
      NSQ_GUARDED_BY(mutex_);
  bool closing_ NSQ_GUARDED_BY(mutex_) = false;

  std::atomic<std::uint64_t> accepted_count_{0};
  std::array<std::atomic<std::uint64_t>, kCloseReasonCount> closed_counts_{};
};

}  // namespace nsq::daemon
