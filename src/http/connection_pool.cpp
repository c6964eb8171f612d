#include "http/connection_pool.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "http/request.h"

namespace nsq::http {
namespace {

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// Where a daemon that wants TLS says it is to be had.
std::optional<Url> find_https_url(const Url& url, const ClientResponse& response) {
  if (url.scheme != "http" || response.status != 403) return std::nullopt;
  simdjson::dom::parser parser;
  std::int64_t port = 0;
  if (parser.parse(response.body)["https_port"].get(port) != simdjson::SUCCESS || port <= 0 ||
      port > 65'535) {
    return std::nullopt;
  }
  const std::string host = url.authority.substr(0, url.authority.size() - url.port_suffix().size());
  return Url{"https", fmt::format("{}:{}", host, port), url.target};
}

// What only the server it was meant for may see.
bool is_secret(std::string_view name) {
  constexpr std::array<std::string_view, 3> kSecret = {"Authorization", "Cookie",
                                                       "Proxy-Authorization"};
  return std::any_of(kSecret.begin(), kSecret.end(),
                     [&](std::string_view secret) { return same_token(secret, name); });
}

// What moved for good or for now is asked for again; methods with a body keep only with 307 and
// 308.
void redirect(ClientRequest& request, int status, const Url& from, const Url& to) {
  request.url = to.text();
  if (status < 307 && request.method != "GET" && request.method != "HEAD") {
    request.method = "GET";
    request.body.clear();
  }
  if (from.scheme == to.scheme && from.authority == to.authority) return;
  std::erase_if(request.headers, [](const auto& header) { return is_secret(header.first); });
}

}  // namespace

ConnectionPool::ConnectionPool(asio::io_context& loop, ClientOptions options, PoolLimits limits)
    : loop_(loop),
      options_(std::move(options)),
      limits_(limits),
      oldest_(loop.get_executor(), [this] { drop_old(); }) {}

asio::awaitable<Result<ClientResponse>> ConnectionPool::fetch(ClientRequest request) {
  const Instant deadline = Instant::now() + options_.request_timeout;
  std::optional<Url> url = parse_url(request.url);
  if (!url) co_return request_failure(request, ClientErrc::BadUrl);
  for (int redirects = 0; redirects <= options_.redirects; ++redirects) {
    if (url->scheme == "https" && !options_.tls) {
      co_return request_failure(request, ClientErrc::NoTls);
    }
    auto response = co_await ask(request, *url, deadline);
    if (!response) co_return response;
    if (options_.follow_https_port && options_.tls) {
      if (const auto upgraded = find_https_url(*url, *response)) {
        url = upgraded;
        request.url = url->text();
        continue;
      }
    }
    if (!is_redirect(response->status)) co_return response;
    const auto location = response->header("Location");
    const auto next = location ? resolve_location(*url, *location) : std::nullopt;
    if (!next) co_return response;
    redirect(request, response->status, *url, *next);
    url = next;
  }
  co_return request_failure(request, ClientErrc::TooManyRedirects);
}

asio::awaitable<Result<ClientResponse>> ConnectionPool::ask(const ClientRequest& request,
                                                            const Url& url, Instant deadline) {
  const bool keeps = limits_.idle_per_server > 0;
  const std::string server = url.scheme + "://" + url.authority;
  if (auto kept = take(server)) {
    auto response = co_await kept->ask(request, url, options_, deadline, false);
    if (response && kept->is_reusable()) keep(server, std::move(kept));
    if (response || !kept->ended_in_silence()) co_return response;
    // The others were left at about the same time.
    forget(server);
    if (request.method != "GET" && !request.is_repeatable) co_return response;
  }
  auto opened = co_await ClientConnection::open(loop_, request, url, options_, deadline);
  if (!opened) co_return opened.error();
  auto response = co_await (*opened)->ask(request, url, options_, deadline, !keeps);
  if (response && (*opened)->is_reusable()) keep(server, std::move(*opened));
  co_return response;
}

// The one used last is the least likely to have been closed.
std::unique_ptr<ClientConnection> ConnectionPool::take(const std::string& server) {
  drop_old();
  for (auto place = idle_.end(); place != idle_.begin();) {
    --place;
    if (place->server != server) continue;
    auto connection = std::move(place->connection);
    place = idle_.erase(place);
    if (connection->is_intact()) return connection;
  }
  return nullptr;
}

void ConnectionPool::keep(std::string server, std::unique_ptr<ClientConnection> connection) {
  const auto count = std::count_if(idle_.begin(), idle_.end(),
                                   [&](const Idle& idle) { return idle.server == server; });
  if (static_cast<std::size_t>(count) >= limits_.idle_per_server) return;
  if (idle_.size() >= limits_.idle) idle_.pop_front();
  idle_.push_back({std::move(server), Instant::now(), std::move(connection)});
  if (idle_.size() == 1) oldest_.expect_by(idle_.front().since + limits_.idle_time);
}

void ConnectionPool::forget(const std::string& server) {
  idle_.remove_if([&](const Idle& idle) { return idle.server == server; });
}

void ConnectionPool::drop_old() {
  const Instant now = Instant::now();
  while (!idle_.empty() && idle_.front().since + limits_.idle_time <= now) idle_.pop_front();
  if (idle_.empty()) {
    oldest_.rest();
  } else {
    oldest_.expect_by(idle_.front().since + limits_.idle_time);
  }
}

}  // namespace nsq::http
