#include "net/watchdog.h"

#include <asio/basic_waitable_timer.hpp>
#include <utility>

namespace nsq::net {

// Shared with the pending wait, which may complete after the watchdog is gone.
struct Watchdog::State {
  using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                           asio::wait_traits<std::chrono::steady_clock>, Executor>;

  State(Executor executor, std::function<void()> callback)
      : timer(executor), on_expired(std::move(callback)) {}

  static void arm(const std::shared_ptr<State>& state) {
    state->armed_for = state->deadline;
    state->timer.expires_at(state->deadline.to_steady());
    state->timer.async_wait([state, round = ++state->round](std::error_code) {
      if (round == state->round) on_timer(state);
    });
  }

  static void on_timer(const std::shared_ptr<State>& state) {
    state->armed_for = Instant::never();
    if (!state->on_expired || state->deadline == Instant::never()) return;
    if (Instant::now() < state->deadline) return arm(state);
    state->deadline = Instant::never();
    // The callback may destroy the watchdog, and with it the callback.
    const auto callback = state->on_expired;
    callback();
  }

  Timer timer;
  std::function<void()> on_expired;
  Instant deadline = Instant::never();
  Instant armed_for = Instant::never();  // when the pending wait fires
  std::uint64_t round = 0;               // the latest wait; earlier ones are void
};

Watchdog::Watchdog(Executor executor, std::function<void()> on_expired)
    : state_(std::make_shared<State>(executor, std::move(on_expired))) {}

Watchdog::~Watchdog() {
  state_->on_expired = nullptr;
  ++state_->round;
  state_->timer.cancel();
}

void Watchdog::expect_by(Instant deadline) {
  state_->deadline = deadline;
  if (deadline < state_->armed_for) State::arm(state_);
}

void Watchdog::rest() {
  state_->deadline = Instant::never();
}

}  // namespace nsq::net
