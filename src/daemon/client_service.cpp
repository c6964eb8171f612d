#include "daemon/client_service.h"

#include <algorithm>
#include <asio/post.hpp>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "daemon/auth_client.h"

namespace nsq::daemon {

ClientService::ClientService(net::EventLoops& loops, broker::Broker& broker, const Options& options,
                             Tls tls)
    : broker_(broker), options_(options) {
  for (std::size_t i = 0; i < loops.size(); ++i) {
    auto tools = std::make_unique<ClientTools>(options);
    if (!options.auth_http_addresses.empty())
      tools->authorizer = std::make_unique<AuthClient>(loops.loop(i), options, tls.to_auth_servers);
    tools->tls = tls.acceptor;
    tools_.push_back({&loops.loop(i), std::move(tools)});
  }
}

ClientService::~ClientService() = default;

ClientTools& ClientService::tools_of(net::Socket& socket) {
  const asio::execution_context* loop = &socket.get_executor().context();
  const auto found = std::find_if(tools_.begin(), tools_.end(),
                                  [&](const LoopTools& tools) { return tools.loop == loop; });
  NSQ_ASSERT(found != tools_.end());
  return *found->tools;
}

void ClientService::accept(net::Socket socket) {
  ClientTools& tools = tools_of(socket);
  ClientConnection::Host& host = *this;
  const auto connection =
      std::make_shared<ClientConnection>(std::move(socket), host, broker_, options_, tools);
  {
    Lock lock(mutex_);
    if (closing_) return;
    connections_.emplace(connection.get(), connection);
  }
  accepted_count_.fetch_add(1, std::memory_order_relaxed);
  if (log::enabled(log::Level::Info))
    log::info("TCP: new client({})", connection->info().remote_address);
  connection->start();
}

std::vector<std::shared_ptr<ClientConnection>> ClientService::connections() const {
  std::vector<std::shared_ptr<ClientConnection>> living;
  Lock lock(mutex_);
  living.reserve(connections_.size());
  for (const auto& [key, weak] : connections_) {
    if (auto connection = weak.lock()) living.push_back(std::move(connection));
  }
  return living;
}

std::uint64_t ClientService::closed_count(CloseReason reason) const {
  return closed_counts_[static_cast<std::size_t>(reason)].load(std::memory_order_relaxed);
}

void ClientService::close_all() {
  {
    Lock lock(mutex_);
    closing_ = true;
  }
  for (const auto& connection : connections()) connection->close_soon(CloseReason::Shutdown);
}

void ClientService::on_closed(const ClientConnection& connection, CloseReason reason) {
  closed_counts_[static_cast<std::size_t>(reason)].fetch_add(1, std::memory_order_relaxed);
  if (log::enabled(log::Level::Info)) {
    const ClientInfo info = connection.info();
    log::info("PROTOCOL(V2): [{}] client({}) left: {}", info.remote_address, info.client_id,
              to_string(reason));
  }
  Lock lock(mutex_);
  connections_.erase(&connection);
}

}  // namespace nsq::daemon
