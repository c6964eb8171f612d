#pragma once

#include <asio/awaitable.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <cstddef>

namespace nsq::client {

// Waits for several coroutines of one loop. Threading: confined.
class Latch {
 public:
  explicit Latch(asio::io_context& loop) : done_(loop, asio::steady_timer::time_point::max()) {}

  void expect() { ++expected_; }
  void arrive() {
    if (--expected_ == 0) done_.cancel();
  }
  // Nobody waits any more, whoever has not arrived.
  void release() {
    is_released_ = true;
    done_.cancel();
  }
  asio::awaitable<void> wait() {
    while (expected_ > 0 && !is_released_) {
      co_await done_.async_wait(asio::experimental::as_tuple(asio::use_awaitable));
    }
  }

 private:
  std::size_t expected_ = 0;
  bool is_released_ = false;
  asio::steady_timer done_;
};

}  // namespace nsq::client
