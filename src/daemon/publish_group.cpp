#include "daemon/publish_group.h"

#include "base/assert.h"
#include "daemon/deferral.h"

namespace nsq::daemon {

void PublishGroup::add(const protocol::Command& command) {
  NSQ_ASSERT(items_.empty() || command.topic == topic_);
  if (items_.empty()) {
    topic_ = command.topic;
    verb_ = command.verb;
  }
  const std::size_t before = bodies_.size();
  if (command.verb == protocol::Verb::Mpub) {
    bodies_.insert(bodies_.end(), command.messages.begin(), command.messages.end());
  } else {
    bodies_.push_back(command.body);
  }
  items_.push_back({bodies_.size() - before, command.delay});
}

std::span<const broker::Publication> PublishGroup::publications(Timestamp now) {
  publications_.clear();
  const std::span<const std::string_view> bodies(bodies_);
  std::size_t next = 0;
  for (const Item& item : items_) {
    publications_.push_back({bodies.subspan(next, item.body_count), deferral(item.delay, now)});
    next += item.body_count;
  }
  return publications_;
}

void PublishGroup::clear() {
  constexpr std::size_t kept = 16'384;
  bodies_.clear();
  if (bodies_.capacity() > kept) bodies_.shrink_to_fit();
  items_.clear();
  publications_.clear();
  topic_ = {};
}

}  // namespace nsq::daemon
