#include "net/event_loops.h"

#include <asio/post.hpp>
#include <atomic>
#include <future>
#include <set>

#include "net/socket.h"
#include "support/catch.h"

using nsq::net::EventLoops;

TEST_CASE("each loop runs its work on one thread of its own", "[net]") {
  EventLoops loops(3);
  loops.start();
  std::set<std::thread::id> threads;
  for (std::size_t i = 0; i < loops.size(); ++i) {
    std::promise<std::thread::id> ran;
    asio::post(loops.loop(i), [&ran] { ran.set_value(std::this_thread::get_id()); });
    threads.insert(ran.get_future().get());
  }
  CHECK(threads.size() == 3);
  CHECK(threads.count(std::this_thread::get_id()) == 0);
}

TEST_CASE("loops are handed out in turn", "[net]") {
  EventLoops loops(2);
  asio::io_context& first = loops.next();
  CHECK(&loops.next() != &first);
  CHECK(&loops.next() == &first);
}

TEST_CASE("a loop may stop them all from one of its handlers", "[net]") {
  EventLoops loops(2);
  asio::post(loops.loop(1), [&loops] { loops.stop(); });
  loops.start();
  loops.join();
}

TEST_CASE("work left behind may own sockets of any loop", "[net]") {
  EventLoops loops(2);
  for (std::size_t i = 0; i < loops.size(); ++i) {
    for (std::size_t j = 0; j < loops.size(); ++j) {
      auto socket = std::make_shared<nsq::net::Socket>(loops.loop(j));
      socket->open(asio::generic::stream_protocol(AF_INET, IPPROTO_TCP));
      asio::post(loops.loop(i), [socket] {});
    }
  }
}

TEST_CASE("what comes too late for the loops can still be done", "[net]") {
  EventLoops loops(2);
  loops.start();
  loops.stop();
  loops.join();
  int done = 0;
  asio::post(loops.loop(1), [&] { asio::post(loops.loop(0), [&] { ++done; }); });
  loops.run_leftovers();
  CHECK(done == 1);
}
