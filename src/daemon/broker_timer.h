#pragma once

#include <asio/basic_waitable_timer.hpp>
#include <asio/io_context.hpp>
#include <atomic>
#include <chrono>
#include <optional>

#include "base/instant.h"
#include "broker/broker.h"
#include "net/socket.h"

namespace nsq::daemon {

// Calls Broker::advance when the broker wants it called: the one timer behind all message timeouts,
// delays and periodic work.
//
// Threading: `wake_by` is for any thread; everything else happens on the loop.
class BrokerTimer {
 public:
  explicit BrokerTimer(asio::io_context& loop);
  BrokerTimer(const BrokerTimer&) = delete;
  BrokerTimer& operator=(const BrokerTimer&) = delete;

  // The broker's call for being advanced earlier than it said. Only takes note.
  void wake_by(Instant deadline);

  // Begins to advance. The broker outlives the loop's last handler. Before the loop runs, or on it.
  void start(broker::Broker& broker);
  // Lets go of the loop; `wake_by` does nothing from then on. Requires: the loop has ended.
  void stop();

 private:
  using Timer =
      asio::basic_waitable_timer<std::chrono::steady_clock,
                                 asio::wait_traits<std::chrono::steady_clock>, net::Executor>;

  void look();
  void arm(Instant deadline);
  void advance();

  asio::io_context& loop_;
  std::optional<Timer> timer_;  // none once stopped
  broker::Broker* broker_ = nullptr;
  Instant armed_for_ = Instant::never();
  std::atomic<std::int64_t> wanted_{Instant::never().since_start().count()};
  std::atomic<bool> look_posted_{false};
};

}  // namespace nsq::daemon
