#include "net/event_loops.h"

#include <pthread.h>

#include "base/assert.h"
#include "base/log_prefix.h"
#include "net/socket.h"

namespace nsq::net {

EventLoops::EventLoops(std::size_t count, std::string name) : name_(std::move(name)) {
  NSQ_ASSERT(count > 0);
  for (std::size_t i = 0; i < count; ++i) {
    loops_.push_back(std::make_unique<Loop>());
    // The first socket of a loop makes its poller, which needs file descriptors: better now than
    // when a connection comes in and there are none.
    const Socket first(*loops_.back());
    work_.push_back(asio::make_work_guard(*loops_.back()));
  }
}

EventLoops::~EventLoops() {
  stop();
  join();
  // A handler queued on one loop may own a socket of another, so every loop drops its handlers
  // before any loop goes.
  for (const auto& loop : loops_) loop->shutdown();
}

void EventLoops::start() {
  NSQ_ASSERT(threads_.empty());
  for (std::size_t i = 0; i < loops_.size(); ++i) {
    threads_.emplace_back([this, i, prefix = log::thread_prefix()] {
      const log::ThreadPrefix taken_over(prefix);
      run(i);
    });
  }
}

void EventLoops::run(std::size_t index) {
  // The kernel keeps 15 characters.
  const std::string name = (name_ + "-" + std::to_string(index)).substr(0, 15);
  pthread_setname_np(pthread_self(), name.c_str());
  loops_[index]->run();
}

void EventLoops::stop() {
  for (const auto& loop : loops_) loop->stop();
}

void EventLoops::join() {
  for (std::thread& thread : threads_) {
    NSQ_ASSERT(thread.get_id() != std::this_thread::get_id());
    if (thread.joinable()) thread.join();
  }
}

void EventLoops::run_leftovers() {
  std::size_t handlers = 1;
  while (handlers > 0) {
    handlers = 0;
    for (const auto& loop : loops_) {
      loop->restart();
      handlers += loop->poll();
    }
  }
}

asio::io_context& EventLoops::next() {
  return *loops_[turn_.fetch_add(1, std::memory_order_relaxed) % loops_.size()];
}

}  // namespace nsq::net
