#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "admin/answer.h"
#include "admin/options.h"
#include "http/client.h"
#include "http/credentials.h"
#include "http/exchange.h"

namespace nsq::admin {

// The first point of the first series in Graphite's JSON answer. Nothing if there is none.
std::optional<double> first_point(std::string_view json);

// Asks the configured Graphite, for charts that the browser may not ask for by itself, and for
// rates.
//
// Threading: confined to its loop, which ends before it goes.
class Graphite {
 public:
  // Options outlive it. Requires: with `proxy_graphite`, a URL that parses.
  Graphite(asio::io_context& loop, const Options& options, http::ClientOptions client);

  // GET /api/graphite: {"rate":"6.00"}, per second.
  asio::awaitable<Answer> rate(std::string target);

  // GET /render: what Graphite answers to the same query. 502 without a body if it does not.
  asio::awaitable<void> proxy(http::Responder responder);

 private:
  http::ClientRequest request_for(std::string_view query) const;

  asio::io_context& loop_;
  const Options& options_;
  const http::ClientOptions client_;
  std::string url_{};            // without credentials and the slash at its end
  std::string authorization_{};  // a header's value, from the URL's credentials
};

using http::take_credentials;

}  // namespace nsq::admin
