#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <cstddef>
#include <list>
#include <memory>
#include <string>

#include "base/instant.h"
#include "http/client.h"
#include "http/client_connection.h"
#include "net/watchdog.h"
#include "nsq/result.h"

namespace nsq::http {

// How many connections without a request are kept, and for how long.
struct PoolLimits {
  std::size_t idle_per_server = 2;
  std::size_t idle = 100;
  Duration idle_time = std::chrono::seconds(90);
};

// Asks servers over connections that are kept for the next request: for programs that ask the same
// servers again and again, many requests at the same time.
//
// A kept connection that the server closes as a request is sent may or may not have got it to the
// server. If the request may be repeated, it is, on a fresh connection; otherwise that is an error.
//
// Threading: confined to its loop. Coroutines must end before it goes, or the loop with them.
class ConnectionPool {
 public:
  ConnectionPool(asio::io_context& loop, ClientOptions options, PoolLimits limits = {});

  // As the function of this name, which is one request on a connection of its own.
  asio::awaitable<Result<ClientResponse>> fetch(ClientRequest request);

  std::size_t idle_count() const { return idle_.size(); }

 private:
  struct Idle {
    std::string server;
    Instant since;
    std::unique_ptr<ClientConnection> connection;
  };

  asio::awaitable<Result<ClientResponse>> ask(const ClientRequest& request, const Url& url,
                                              Instant deadline);
  std::unique_ptr<ClientConnection> take(const std::string& server);
  void keep(std::string server, std::unique_ptr<ClientConnection> connection);
  void forget(const std::string& server);
  void drop_old();

  asio::io_context& loop_;
  const ClientOptions options_;
  const PoolLimits limits_;
  std::list<Idle> idle_;  // the one that has been longest first
  net::Watchdog oldest_;
};

}  // namespace nsq::http
