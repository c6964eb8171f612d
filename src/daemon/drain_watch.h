#pragma once

#include <asio/basic_waitable_timer.hpp>
#include <asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <optional>

#include "broker/broker.h"
#include "net/socket.h"

namespace nsq::daemon {

// Looks, while the daemon drains, whether the last message is gone.
//
// Threading: confined to its loop, except the constructor and `stop`.
class DrainWatch {
 public:
  // `on_drained` is called once, on the loop. The broker outlives the loop's last handler.
  DrainWatch(asio::io_context& loop, const broker::Broker& broker,
             std::function<void()> on_drained);

  // Once is enough; more does no harm.
  void begin();
  // Lets go of the loop. Requires: the loop has ended.
  void stop() { timer_.reset(); }

 private:
  using Timer =
      asio::basic_waitable_timer<std::chrono::steady_clock,
                                 asio::wait_traits<std::chrono::steady_clock>, net::Executor>;

  void look();

  std::optional<Timer> timer_;  // none once stopped
  const broker::Broker& broker_;
  std::function<void()> on_drained_;
  bool begun_ = false;
};

}  // namespace nsq::daemon
