#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/instant.h"
#include "daemon/auth_grants.h"
#include "daemon/authorizer.h"

namespace nsq::daemon {

// What one client has been granted, and until when.
//
// Looked at for every publish, hence remembers the topics that were granted: as long as the grants
// last, no pattern is looked at twice for one of them.
//
// Threading: confined, with its session.
class ClientAuth {
 public:
  enum class Verdict {
    Allowed,
    Denied,
    NotAsked,  // no grants yet
    Expired,   // they have to be renewed first
  };

  explicit ClientAuth(std::string remote_ip) { question.remote_ip = std::move(remote_ip); }

  // What the servers are asked, the first time and again when grants expire.
  AuthQuestion question;

  bool is_granted() const { return grants_ != nullptr; }
  // Replaces what was granted before.
  void grant(std::shared_ptr<const AuthGrants> grants, Instant now);

  // `channel` is empty for publishing.
  Verdict verdict(Permission permission, std::string_view topic, std::string_view channel,
                  Instant now);

 private:
  std::shared_ptr<const AuthGrants> grants_;
  Instant expiry_;
  std::vector<std::string> publishable_;  // topics, the most recent last
};

}  // namespace nsq::daemon
