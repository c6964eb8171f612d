#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <future>
#include <memory>
#include <thread>
#include <utility>

#include "net/event_loops.h"

namespace nsq::client {

// The thread on which all consumers and producers of the process do their I/O. It runs as long as
// one of them holds it.
//
// Threading: shared. The last holder must not let go of it on the thread itself.
class IoThread {
 public:
  static std::shared_ptr<IoThread> shared();

  IoThread() : loops_(1, "nsq-client") { loops_.start(); }

  asio::io_context& loop() { return loops_.loop(0); }
  bool is_current() { return loop().get_executor().running_in_this_thread(); }

  // Runs `function` on the thread and waits for what it returns. Requires: not called on it.
  template <typename Function>
  auto call(Function function) {
    using Value = decltype(function());
    std::promise<Value> promise;
    asio::post(loop(), [&promise, &function] {
      if constexpr (std::is_void_v<Value>) {
        function();
        promise.set_value();
      } else {
        promise.set_value(function());
      }
    });
    return promise.get_future().get();
  }

 private:
  net::EventLoops loops_;
};

}  // namespace nsq::client
