#pragma once

#include <cstddef>
#include <memory>

#include "http/options.h"
#include "http/router.h"
#include "http/transport.h"
#include "net/socket.h"

namespace nsq::http {

// Serves a router's handlers on the connections it is given, usually by a net::Listener:
//
//   listener->start([&](net::Socket socket) { server.serve(std::move(socket)); });
//
// Threading: shared. Each connection, and the handlers it calls, stay on the connection's loop.
class Server {
 public:
  // The router outlives the loops' last handler.
  explicit Server(const Router& router, ServerOptions options = {});
  // Requires: no loop runs a connection any more.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Takes over a connection. On the loop it belongs to.
  void serve(net::Socket socket);
  void serve(std::unique_ptr<Transport> transport);

  // Ends all connections, each as soon as its loop gets to it, requests under way included, and
  // takes no more.
  void close();

  std::size_t connection_count() const;

 private:
  class Registry;

  const Router& router_;
  const ServerOptions options_;
  const std::shared_ptr<Registry> registry_;  // shared with the connections
};

}  // namespace nsq::http
