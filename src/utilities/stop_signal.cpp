#include "utilities/stop_signal.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <utility>

namespace nsq::utilities {

StopSignal::StopSignal(std::function<void()> on_stop, std::function<void()> on_hangup)
    : on_stop_(std::move(on_stop)),
      on_hangup_(std::move(on_hangup)),
      event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      signals_(loop_, SIGINT, SIGTERM) {
  if (on_hangup_) signals_.add(SIGHUP);
  wait();
  thread_ = std::thread([this] { loop_.run(); });
}

StopSignal::~StopSignal() {
  loop_.stop();
  thread_.join();
  ::close(event_);
}

void StopSignal::wait() {
  signals_.async_wait([this](std::error_code error, int number) {
    if (error) return;
    if (number != SIGHUP && has_come()) std::_Exit(EXIT_FAILURE);
    wait();
    if (number == SIGHUP) return on_hangup_();
    stop();
  });
}

void StopSignal::stop() {
  if (has_come_.exchange(true)) return;
  const std::uint64_t one = 1;
  // It cannot fail: the counter is far from its limit.
  [[maybe_unused]] const auto written = ::write(event_, &one, sizeof one);
  on_stop_();
}

bool StopSignal::wait_for_input(int descriptor, Instant deadline) const {
  std::array<pollfd, 2> wanted{{{event_, POLLIN, 0}, {descriptor, POLLIN, 0}}};
  while (!has_come()) {
    int timeout_ms = -1;
    if (deadline != Instant::never()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Instant::now());
      timeout_ms = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000));
    }
    const int ready = ::poll(wanted.data(), wanted.size(), timeout_ms);
    if (ready > 0 && wanted[0].revents != 0) return false;
    if (ready > 0 || (ready == 0 && Instant::now() >= deadline)) return true;
  }
  return false;
}

}  // namespace nsq::utilities
