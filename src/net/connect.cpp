#include "net/connect.h"

#include <fmt/format.h>

#include <asio/experimental/as_tuple.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/use_awaitable.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "net/host_lookup.h"
#include "net/net_error.h"
#include "net/watchdog.h"

namespace nsq::net {
namespace {

constexpr auto kUseTuple = asio::experimental::as_tuple(asio::use_awaitable);

// What the time limit interrupts: a name being resolved or an endpoint being tried.
struct Attempt {
  explicit Attempt(asio::io_context& loop) : lookup(loop), socket(loop) {}

  void give_up() {
    timed_out = true;
    lookup.cancel();
    std::error_code ignored;  // whoever waits learns of it from the operation
    socket.close(ignored);
  }

  HostLookup lookup;
  Socket socket;
  bool timed_out = false;
};

Error dial_error(const Address& address, std::string_view step, std::error_code code) {
  return Error(code, fmt::format("dial {} {}: {}{}", address.is_tcp() ? "tcp" : "unix",
                                 address.text(), step, code.message()));
}

asio::awaitable<Result<std::vector<Endpoint>>> look_up(Attempt& attempt, Address address) {
  // Numbers and paths need not be asked for. A connection to the wildcard address
  // reaches this machine.
  std::error_code not_a_number;
  if (!address.is_tcp() || address.is_wildcard()) co_return resolve(address);
  asio::ip::make_address(address.host(), not_a_number);
  if (!not_a_number) co_return resolve(address);

  const auto port = resolve_port(address);
  if (!port) co_return port.error();
  const auto found = co_await attempt.lookup.run(address.host());
  if (!found) co_return found.error();
  std::vector<Endpoint> endpoints;
  for (const auto& each : *found) endpoints.emplace_back(asio::ip::tcp::endpoint(each, *port));
  co_return endpoints;
}

// Gives the socket its own address, for which it has to exist before it connects.
std::error_code bind_source(Socket& socket, const Endpoint& source) {
  std::error_code error;
  socket.open(source.protocol(), error);
  if (!error) socket.bind(source, error);
  return error;
}

}  // namespace

asio::awaitable<Result<std::vector<Endpoint>>> find_endpoints(asio::io_context& loop,
                                                              Address address, Duration limit) {
  Attempt attempt(loop);
  Watchdog watchdog(loop.get_executor(), [&attempt] { attempt.give_up(); });
  watchdog.expect_by(Instant::now() + limit);
  auto endpoints = co_await look_up(attempt, address);
  if (attempt.timed_out) co_return Error(NetErrc::TimedOut, "lookup " + address.host());
  co_return endpoints;
}

asio::awaitable<Result<Socket>> connect(asio::io_context& loop, Address address, Duration limit,
                                        std::optional<Endpoint> source) {
  Attempt attempt(loop);
  Watchdog watchdog(loop.get_executor(), [&attempt] { attempt.give_up(); });
  watchdog.expect_by(Instant::now() + limit);

  const auto endpoints = co_await look_up(attempt, address);
  if (attempt.timed_out) co_return dial_error(address, "", NetErrc::TimedOut);
  if (!endpoints) {
    co_return dial_error(address, endpoints.error().context() + ": ", endpoints.error().code());
  }
  std::error_code last;
  for (const Endpoint& endpoint : *endpoints) {
    std::error_code ignored;  // the next endpoint may need another kind of socket
    attempt.socket.close(ignored);
    if (source) {
      last = bind_source(attempt.socket, *source);
      if (last) continue;
    }
    const auto [error] = co_await attempt.socket.async_connect(endpoint, kUseTuple);
    if (attempt.timed_out) co_return dial_error(address, "", NetErrc::TimedOut);
    if (!error) {
      tune(attempt.socket);
      co_return std::move(attempt.socket);
    }
    last = error;
  }
  co_return dial_error(address, "connect: ", system_error(last.value()));
}

}  // namespace nsq::net
