#include "daemon/statsd.h"

#include <algorithm>
#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/ip/udp.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <utility>

#include "base/log.h"
#include "daemon/memory_stats.h"
#include "net/address.h"
#include "net/host_lookup.h"

namespace nsq::daemon {
namespace {

constexpr auto kUseTuple = asio::experimental::as_tuple(asio::use_awaitable);
// A shorter interval would keep a core busy with nothing else.
constexpr Duration kShortestInterval = std::chrono::milliseconds(10);
// Left free at the end of an interval, for what comes late.
constexpr Duration kRest = std::chrono::seconds(1);

using Udp = asio::ip::udp;

asio::awaitable<Result<Udp::endpoint>> find_endpoint(asio::io_context& loop, std::string text) {
  const auto address = net::Address::parse(text);
  if (!address.is_tcp()) {
    co_return Error(std::make_error_code(std::errc::invalid_argument), "not host:port");
  }
  const auto port = net::resolve_port(address);
  if (!port) co_return port.error();
  net::HostLookup lookup(loop);
  const auto found = co_await lookup.run(address.host());
  if (!found) co_return found.error();
  co_return Udp::endpoint(found->front(), *port);
}

}  // namespace

Statsd::Statsd(asio::io_context& loop, broker::Broker& broker, const Options& options)
    : loop_(loop),
      broker_(broker),
      options_(options),
      interval_(std::max(options.statsd_interval, kShortestInterval)),
      report_(options.statsd_prefix,
              static_cast<std::size_t>(std::max<std::int64_t>(0, options.statsd_udp_packet_size)),
              options.statsd_exclude_ephemeral) {}

void Statsd::start() {
  asio::co_spawn(loop_, run(), asio::detached);
}

asio::awaitable<void> Statsd::run() {
  asio::steady_timer timer(loop_);
  timer.expires_after(interval_);
  for (;;) {
    const auto [error] = co_await timer.async_wait(kUseTuple);
    if (error) co_return;
    const auto due = timer.expiry();
    broker::StatsFilter everything;
    everything.clients = false;
    std::optional<MemoryStats> memory;
    if (options_.statsd_mem_stats) memory = read_memory_stats();
    auto packets = report_.next(broker_.stats(everything, Moment::now()), memory);
    co_await send(std::move(packets));
    // On the beat, unless that has been missed.
    timer.expires_at(std::max(due + interval_, std::chrono::steady_clock::now()));
  }
}

asio::awaitable<void> Statsd::send(std::vector<std::string> packets) {
  if (packets.empty()) co_return;
  const auto endpoint = co_await find_endpoint(loop_, options_.statsd_address);
  if (!endpoint) {
    log::error("STATSD: no report to {} - {}", options_.statsd_address,
               endpoint.error().to_string());
    co_return;
  }
  std::error_code error;
  Udp::socket socket(loop_);
  socket.open(endpoint->protocol(), error);
  const Duration pause =
      std::max(Duration::zero(), interval_ - kRest) / static_cast<std::int64_t>(packets.size());
  asio::steady_timer timer(loop_);
  timer.expires_after(Duration::zero());
  for (const std::string& packet : packets) {
    if (!error) socket.send_to(asio::buffer(packet), *endpoint, 0, error);
    if (error) {
      log::error("STATSD: report to {} broken off - {}", options_.statsd_address, error.message());
      co_return;
    }
    timer.expires_at(timer.expiry() + pause);
    const auto [cancelled] = co_await timer.async_wait(kUseTuple);
    if (cancelled) co_return;
  }
}

}  // namespace nsq::daemon
