#include "net/connect.h"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/ip/tcp.hpp>

#include "net/net_error.h"
#include "support/catch.h"

using namespace std::chrono_literals;
using nsq::net::Address;
using nsq::net::NetErrc;

namespace {

asio::awaitable<void> attempt(asio::io_context& loop, std::string address, nsq::Duration limit,
                              std::string& outcome) {
  const auto socket = co_await nsq::net::connect(loop, Address::parse(address), limit);
  outcome = socket ? "" : socket.error().to_string();
}

// Runs one attempt to its end; "" if it succeeded, else the error.
std::string outcome_of(const std::string& address, nsq::Duration limit = 10s) {
  asio::io_context loop;
  std::string outcome = "never ended";
  asio::co_spawn(loop, attempt(loop, address, limit, outcome), asio::detached);
  loop.run();
  return outcome;
}

// A TCP port, listened on or, once closed, known to be free.
struct Port {
  asio::io_context context;
  asio::ip::tcp::acceptor acceptor{context, {asio::ip::address_v4::loopback(), 0}};
  std::string address = "127.0.0.1:" + std::to_string(acceptor.local_endpoint().port());
};

}  // namespace

TEST_CASE("a connection is made to a number or a name", "[net]") {
  Port port;
  CHECK(outcome_of(port.address) == "");
  CHECK(outcome_of("localhost:" + std::to_string(port.acceptor.local_endpoint().port())) == "");
}

TEST_CASE("a refused connection says where and why", "[net]") {
  Port port;
  port.acceptor.close();
  CHECK(outcome_of(port.address) == "dial tcp " + port.address + ": connect: connection refused");
}

TEST_CASE("a connection that takes too long is given up", "[net]") {
  // A full backlog of a listener that never accepts leaves further attempts without an answer.
  Port port;
  port.acceptor.listen(0);
  std::vector<asio::ip::tcp::socket> fillers;
  for (int i = 0; i < 4; ++i) {
    auto& filler = fillers.emplace_back(port.context);
    filler.open(asio::ip::tcp::v4());
    filler.non_blocking(true);
    const auto endpoint = port.acceptor.local_endpoint();
    ::connect(filler.native_handle(), endpoint.data(), static_cast<socklen_t>(endpoint.size()));
  }
  CHECK(outcome_of(port.address, 50ms) == "dial tcp " + port.address + ": i/o timeout");
}

TEST_CASE("a name nobody knows is said to be unknown", "[net]") {
  CHECK(outcome_of("no.such.host.invalid:1") ==
        "dial tcp no.such.host.invalid:1: lookup no.such.host.invalid: no such host");
}
