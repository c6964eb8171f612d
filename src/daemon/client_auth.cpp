#include "daemon/client_auth.h"

#include <algorithm>

namespace nsq::daemon {
namespace {

// Topics remembered as granted; a client that publishes to more pays for patterns now and then.
constexpr std::size_t kMaxPublishable = 16;

}  // namespace

void ClientAuth::grant(std::shared_ptr<const AuthGrants> grants, Instant now) {
  grants_ = std::move(grants);
  expiry_ = now + grants_->ttl;
  publishable_.clear();
}

ClientAuth::Verdict ClientAuth::verdict(Permission permission, std::string_view topic,
                                        std::string_view channel, Instant now) {
  if (grants_ == nullptr) return Verdict::NotAsked;
  if (now > expiry_) return Verdict::Expired;
  if (permission == Permission::Subscribe) {
    return grants_->allows(permission, topic, channel) ? Verdict::Allowed : Verdict::Denied;
  }
  if (!publishable_.empty() && publishable_.back() == topic) return Verdict::Allowed;
  const auto known = std::find(publishable_.begin(), publishable_.end(), topic);
  if (known != publishable_.end()) {
    std::rotate(known, known + 1, publishable_.end());
    return Verdict::Allowed;
  }
  if (!grants_->allows(permission, topic, channel)) return Verdict::Denied;
  if (publishable_.size() == kMaxPublishable) publishable_.erase(publishable_.begin());
  publishable_.emplace_back(topic);
  return Verdict::Allowed;
}

}  // namespace nsq::daemon
