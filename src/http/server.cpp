#include "http/server.h"

#include <asio/post.hpp>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/mutex.h"
#include "http/connection.h"

namespace nsq::http {

// The connections that are open. Shared.
class Server::Registry {
 public:
  // False if there are too many, or the server is closed.
  bool add(const std::shared_ptr<Connection>& connection, std::size_t limit) {
    const Lock lock(mutex_);
    if (is_closed_) return false;
    if (connections_.size() >= limit) {
      if (!is_full_) log::error("HTTP: too many connections ({}), refusing more", limit);
      is_full_ = true;
      return false;
    }
    is_full_ = false;
    connections_.emplace(connection.get(), connection);
    return true;
  }

  void remove(Connection& connection) {
    const Lock lock(mutex_);
    connections_.erase(&connection);
  }

  std::vector<std::shared_ptr<Connection>> close() {
    const Lock lock(mutex_);
    is_closed_ = true;
    std::vector<std::shared_ptr<Connection>> alive;
    for (const auto& [address, connection] : connections_) {
      if (auto held = connection.lock()) alive.push_back(std::move(held));
    }
    return alive;
  }

  std::size_t size() const {
    const Lock lock(mutex_);
    return connections_.size();
  }

 private:
  mutable Mutex mutex_;
  std::unordered_map<Connection*, std::weak_ptr<Connection>> connections_ NSQ_GUARDED_BY(mutex_);
  bool is_closed_ NSQ_GUARDED_BY(mutex_) = false;
  bool is_full_ NSQ_GUARDED_BY(mutex_) = false;
};

Server::Server(const Router& router, ServerOptions options)
    : router_(router), options_(options), registry_(std::make_shared<Registry>()) {}

Server::~Server() = default;

void Server::serve(net::Socket socket) {
  serve(make_plain_transport(std::move(socket)));
}

void Server::serve(std::unique_ptr<Transport> transport) {
  const auto connection = std::make_shared<Connection>(
      std::move(transport), router_, options_,
      [registry = registry_](Connection& gone) { registry->remove(gone); });
  if (registry_->add(connection, options_.connections)) connection->start();
}

void Server::close() {
  for (auto& connection : registry_->close()) {
    const net::Executor executor = connection->executor();
    asio::post(executor, [connection = std::move(connection)] { connection->close(); });
  }
}

std::size_t Server::connection_count() const {
  return registry_->size();
}

}  // namespace nsq::http
