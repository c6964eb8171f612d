#pragma once

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace nsq::net {

// A fixed number of event loops, each run by one thread of its own.
//
// A connection belongs to one loop for life, so what it owns needs no lock. The loops exist from
// construction on: sockets and timers may be made, and work posted, before `start`.
//
// Threading: shared, except that `start` and `join` belong to the owner.
class EventLoops {
 public:
  // Threads are named "<name>-<number>", as debuggers and top show them.
  explicit EventLoops(std::size_t count, std::string name = "nsq-loop");
  // Stops, joins, and drops what was still queued. Everything that lives on a loop must be gone by
  // then or be owned by handlers queued on it; those may own sockets of any of the loops.
  ~EventLoops();
  EventLoops(const EventLoops&) = delete;
  EventLoops& operator=(const EventLoops&) = delete;

  void start();
  // Tells every loop to return after the handler it is in. Any thread, also a loop's own.
  void stop();
  // Waits for the threads to end. Requires: not called on a loop.
  void join();
  // Does, on this thread, what was posted too late for the loops, until nothing is left: so that
  // whoever waits for an answer through a loop still gets it. Requires: joined.
  void run_leftovers();

  std::size_t size() const { return loops_.size(); }
  asio::io_context& loop(std::size_t index) { return *loops_[index]; }
  // Each loop in turn.
  asio::io_context& next();

 private:
  // Opens up the first half of destruction, see ~EventLoops.
  class Loop : public asio::io_context {
   public:
    Loop() : asio::io_context(1) {}
    using asio::execution_context::shutdown;
  };
  using WorkGuard = asio::executor_work_guard<asio::io_context::executor_type>;

  void run(std::size_t index);

  const std::string name_;
  std::vector<std::unique_ptr<Loop>> loops_;
  std::vector<WorkGuard> work_;  // a loop without work goes on waiting
  std::vector<std::thread> threads_;
  std::atomic<std::size_t> turn_{0};
};

}  // namespace nsq::net
