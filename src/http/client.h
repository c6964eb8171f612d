#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/instant.h"
#include "http/response_parser.h"
#include "http/url.h"
#include "net/tls_context.h"
#include "nsq/result.h"

namespace nsq::http {

struct ClientRequest {
  std::string method = "GET";
  std::string url{};
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};
  // It does no harm that the server may get it twice. GET never does.
  bool is_repeatable = false;
};

struct ClientOptions {
  Duration connect_timeout = std::chrono::seconds(2);
  Duration request_timeout = std::chrono::seconds(5);  // for all of it, redirects included
  std::size_t response_bytes = std::size_t{64} << 20;  // the longest body taken
  bool keeps_body = true;  // false: the response is without it, and it may be of any length
  int redirects = 10;
  // Asks again by https where a server answers 403 and names the port for it, as NSQ's daemons do
  // that take nothing but TLS. Needs `tls`.
  bool follow_https_port = false;
  // For https, redirects to it included: whom to trust and what to show. Null: https is refused.
  std::shared_ptr<const net::TlsContext> tls = nullptr;
};

enum class ClientErrc {
  BadUrl = 1,
  NoTls,            // https, and the options hold no context for it
  BadResponse,      // what came back is no HTTP, or ends too early
  ResponseTooLong,  // over the limit
  TooManyRedirects,
};
std::error_code make_error_code(ClientErrc code);

// Asks a server one thing, on a connection of its own, and follows redirects. Any status is an
// answer; an error means there was none. Runs on the loop. connection_pool.h is for who asks often.
// Errors: one line in the original's form, 'Get "http://h:1/p": dial tcp h:1: ...'.
asio::awaitable<Result<ClientResponse>> fetch(asio::io_context& loop, ClientRequest request,
                                              ClientOptions options = {});

}  // namespace nsq::http

template <>
struct std::is_error_code_enum<nsq::http::ClientErrc> : std::true_type {};
