#include "client/answers.h"

#include <algorithm>
#include <utility>

namespace nsq::client {

Answers::Answers(std::string topic, std::string channel, const Config& config,
                 std::function<void()> wake)
    : topic_(std::move(topic)),
      channel_(std::move(channel)),
      requeue_delay_(config.default_requeue_delay),
      max_requeue_delay_(config.max_requeue_delay),
      wake_(std::move(wake)) {}

std::int64_t Answers::requeue_delay_ms(std::uint16_t attempts) const {
  const Duration delay = std::min(requeue_delay_ * attempts, max_requeue_delay_);
  return std::chrono::duration_cast<std::chrono::milliseconds>(delay).count();
}

void Answers::add(Slice slice) {
  announce(&Taken::slices, std::move(slice));
}

void Answers::add_touch(Slice message) {
  announce(&Taken::touches, std::move(message));
}

void Answers::announce(std::vector<Slice> Taken::*list, Slice slice) {
  // The wake-up is a post to a loop, which `close` is to exclude: hence within the lock.
  const Lock lock(mutex_);
  if (is_closed_) return;
  (waiting_.*list).push_back(std::move(slice));
  if (!std::exchange(is_woken_, true)) wake_();
}

void Answers::take(Taken& taken) {
  taken.slices.clear();
  taken.touches.clear();
  const Lock lock(mutex_);
  std::swap(taken, waiting_);
  is_woken_ = false;
}

void Answers::close() {
  Taken dropped;
  const Lock lock(mutex_);
  is_closed_ = true;
  std::swap(dropped, waiting_);
}

}  // namespace nsq::client
