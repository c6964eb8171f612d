#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <memory>
#include <string>

#include "base/instant.h"
#include "http/client.h"
#include "http/response_parser.h"
#include "http/url.h"
#include "net/layered_socket.h"
#include "net/watchdog.h"
#include "nsq/result.h"

namespace nsq::http {

// A connection to a server, for one request after the other.
//
// Threading: confined to its loop. Errors are lines as those of `fetch`.
class ClientConnection {
 public:
  using OpenResult = Result<std::unique_ptr<ClientConnection>>;

  // Connects for this request, in TLS if the URL says so.
  static asio::awaitable<OpenResult> open(asio::io_context& loop, const ClientRequest& request,
                                          const Url& url, const ClientOptions& options,
                                          Instant deadline);
  ClientConnection(asio::io_context& loop, net::Socket socket);

  // Sends the request and reads the response. With `is_last` the server is told that nothing
  // follows. Requires: nothing is under way; arguments stay until it returns.
  asio::awaitable<Result<ClientResponse>> ask(const ClientRequest& request, const Url& url,
                                              const ClientOptions& options, Instant deadline,
                                              bool is_last);

  // After a response: whether the next request can follow.
  bool is_reusable() const { return is_reusable_; }
  // After a failure: the server had not said a word yet, and the time was not up. A connection that
  // has been idle then was closed before the request came, most likely.
  bool ended_in_silence() const { return !has_heard_ && !timed_out_; }
  // Whether an idle connection still looks as it was left. A system call that does not wait.
  bool is_intact();

 private:
  asio::awaitable<Result<void>> start_tls(const ClientRequest& request, const Url& url,
                                          const ClientOptions& options);
  asio::awaitable<Result<ClientResponse>> receive(const ClientRequest& request,
                                                  const ClientOptions& options);

  net::LayeredSocket stream_;
  net::Watchdog watchdog_;
  std::string room_;
  bool timed_out_ = false;
  bool has_heard_ = false;
  bool is_reusable_ = false;
};

// "Get \"http://h:1/p\": reason".
Error request_failure(const ClientRequest& request, std::error_code code, std::string_view reason);
Error request_failure(const ClientRequest& request, std::error_code code);

}  // namespace nsq::http
