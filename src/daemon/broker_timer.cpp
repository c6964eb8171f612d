#include "daemon/broker_timer.h"

#include <algorithm>
#include <asio/error.hpp>
#include <asio/post.hpp>
#include <utility>

namespace nsq::daemon {

BrokerTimer::BrokerTimer(asio::io_context& loop) : loop_(loop), timer_(std::in_place, loop) {}

void BrokerTimer::wake_by(Instant deadline) {
  const std::int64_t time = deadline.since_start().count();
  std::int64_t wanted = wanted_.load();
  while (time < wanted && !wanted_.compare_exchange_weak(wanted, time)) {
  }
  if (!timer_) return;
  // One message to the loop, however many deadlines come before it is read.
  if (!look_posted_.exchange(true)) asio::post(loop_, [this] { look(); });
}

void BrokerTimer::start(broker::Broker& broker) {
  broker_ = &broker;
  asio::post(loop_, [this] { advance(); });
}

void BrokerTimer::stop() {
  timer_.reset();
}

void BrokerTimer::look() {
  look_posted_.store(false);
  const Instant wanted{Duration(wanted_.exchange(Instant::never().since_start().count()))};
  if (broker_ != nullptr && wanted < armed_for_) arm(wanted);
}

void BrokerTimer::arm(Instant deadline) {
  armed_for_ = deadline;
  if (deadline == Instant::never()) return;
  timer_->expires_at(deadline.to_steady());
  timer_->async_wait([this](std::error_code error) {
    if (error != asio::error::operation_aborted) advance();
  });
}

void BrokerTimer::advance() {
  // What is wanted earlier while the broker advances comes in again through `look`.
  armed_for_ = Instant::never();
  const Instant next = broker_->advance(Moment::now());
  if (next < armed_for_) arm(next);
}

}  // namespace nsq::daemon
