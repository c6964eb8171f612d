#include "daemon/drain_watch.h"

#include <utility>

#include "base/log.h"

namespace nsq::daemon {
namespace {

// Nobody waits for the very moment, and a look ends at the first topic that has messages.
constexpr std::chrono::milliseconds kBetweenLooks{100};

}  // namespace

DrainWatch::DrainWatch(asio::io_context& loop, const broker::Broker& broker,
                       std::function<void()> on_drained)
    : timer_(std::in_place, loop), broker_(broker), on_drained_(std::move(on_drained)) {}

void DrainWatch::begin() {
  if (!std::exchange(begun_, true)) look();
}

void DrainWatch::look() {
  if (!broker_.holds_messages()) {
    log::info("NSQ: drained");
    return on_drained_();
  }
  timer_->expires_after(kBetweenLooks);
  timer_->async_wait([this](std::error_code error) {
    if (!error) look();
  });
}

}  // namespace nsq::daemon
