#include "daemon/direct_delivery.h"

namespace nsq::daemon {

thread_local DirectDelivery* DirectDelivery::current_ = nullptr;

DirectDelivery::Scope::Scope(DirectDelivery& direct, const ClientSession& publisher,
                             std::size_t messages, Instant now) {
  if (messages > kMostMessages) return;
  const bool rested = now - direct.last_ >= kRest;
  direct.last_ = now;
  if (!rested) return;
  direct.publisher_ = &publisher;
  direct.turns_left_ = kMostConsumers;
  current_ = &direct;
}

DirectDelivery::Scope::~Scope() {
  current_ = nullptr;
}

DirectDelivery::Turn::Turn(DirectDelivery& direct) : direct_(direct) {
  --direct_.turns_left_;
  current_ = nullptr;
}

DirectDelivery::Turn::~Turn() {
  direct_.deliveries.clear();
  direct_.output.clear();
  current_ = &direct_;
}

DirectDelivery* DirectDelivery::here(const ClientSession& consumer) {
  if (current_ == nullptr || current_->turns_left_ == 0) return nullptr;
  return current_->publisher_ == &consumer ? nullptr : current_;
}

}  // namespace nsq::daemon
