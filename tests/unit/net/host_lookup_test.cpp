#include "net/host_lookup.h"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>

#include "net/event_loops.h"
#include "net/net_error.h"
#include "support/catch.h"

using namespace std::chrono_literals;
using nsq::net::HostAddresses;
using nsq::net::HostLookup;
using nsq::net::LookupCrew;
using nsq::net::NetErrc;

namespace {

// A name server that answers when the test says so. Lives for ever, as the threads that ask it may.
struct Server {
  std::mutex mutex;
  std::condition_variable changed;
  bool answers = false;
  int asked = 0;
  int answered = 0;

  void set_answers(bool value) {
    const std::scoped_lock lock(mutex);
    answers = value;
    changed.notify_all();
  }
  int count(int Server::*what) {
    const std::scoped_lock lock(mutex);
    return this->*what;
  }
  bool wait_until_asked(int times) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, 30s, [&] { return asked >= times; });
  }
  bool wait_until_answered(int times) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, 30s, [&] { return answered >= times; });
  }
};
Server& server() {
  static Server& only = *new Server;
  return only;
}

HostAddresses ask(const std::string& host) {
  Server& asked = server();
  std::unique_lock lock(asked.mutex);
  ++asked.asked;
  asked.changed.notify_all();
  asked.changed.wait(lock, [&] { return asked.answers; });
  ++asked.answered;
  asked.changed.notify_all();
  if (host == "unknown") return nsq::Error(NetErrc::NoSuchHost, "lookup " + host);
  return std::vector{asio::ip::make_address("192.0.2.1"), asio::ip::make_address("2001:db8::1")};
}
LookupCrew& crew() {
  static LookupCrew& only = LookupCrew::make(ask);
  return only;
}

asio::awaitable<void> look_up(HostLookup& lookup, std::string host,
                              std::optional<HostAddresses>& outcome) {
  outcome = co_await lookup.run(std::move(host));
}
asio::awaitable<void> look_up_alone(asio::io_context& loop, std::string host,
                                    std::atomic<int>& ended) {
  HostLookup lookup(loop, crew());
  const auto found = co_await lookup.run(std::move(host));
  if (found) ++ended;
}

}  // namespace

TEST_CASE("a host's addresses come in the order in which they were found", "[net]") {
  server().set_answers(true);
  asio::io_context loop;
  HostLookup known(loop, crew());
  HostLookup unknown(loop, crew());
  std::optional<HostAddresses> found;
  std::optional<HostAddresses> not_found;
  asio::co_spawn(loop, look_up(known, "host", found), asio::detached);
  asio::co_spawn(loop, look_up(unknown, "unknown", not_found), asio::detached);
  loop.run();
  REQUIRE(found.has_value());
  REQUIRE(found->ok());
  REQUIRE((*found)->size() == 2);
  CHECK((*found)->front().to_string() == "192.0.2.1");
  REQUIRE(not_found.has_value());
  CHECK(not_found->error() == NetErrc::NoSuchHost);
}

TEST_CASE("a name server that does not answer keeps no loop from ending", "[net]") {
  server().set_answers(false);
  const int before = server().count(&Server::asked);
  std::atomic<int> ended{0};
  {
    nsq::net::EventLoops loops(1, "test");
    for (const char* host : {"a", "b"}) {
      asio::co_spawn(loops.loop(0), look_up_alone(loops.loop(0), host, ended), asio::detached);
    }
    loops.start();
    REQUIRE(server().wait_until_asked(before + 2));
  }  // with the loop go the questions; the threads are still at them
  const int answered = server().count(&Server::answered);
  server().set_answers(true);
  CHECK(server().wait_until_answered(answered + 2));
  CHECK(ended == 0);
}

TEST_CASE("a question can be given up", "[net]") {
  server().set_answers(false);
  const int before = server().count(&Server::asked);
  asio::io_context loop;
  HostLookup lookup(loop, crew());
  std::optional<HostAddresses> outcome;
  asio::co_spawn(loop, look_up(lookup, "host", outcome), asio::detached);
  loop.poll();
  REQUIRE(server().wait_until_asked(before + 1));
  CHECK_FALSE(outcome.has_value());
  lookup.cancel();
  loop.run();
  REQUIRE(outcome.has_value());
  CHECK(outcome->error().code() == std::errc::operation_canceled);
  const int answered = server().count(&Server::answered);
  server().set_answers(true);
  CHECK(server().wait_until_answered(answered + 1));
}

TEST_CASE("more questions than threads wait for their turn, and all are answered", "[net]") {
  server().set_answers(false);
  const int before = server().count(&Server::asked);
  asio::io_context loop;
  std::atomic<int> ended{0};
  for (int i = 0; i < 30; ++i) {
    asio::co_spawn(loop, look_up_alone(loop, "host", ended), asio::detached);
  }
  loop.poll();
  REQUIRE(server().wait_until_asked(before + 8));
  server().set_answers(true);
  loop.run();
  CHECK(ended == 30);
}
