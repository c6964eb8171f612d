#pragma once

#include <memory>
#include <string>

#include "daemon/auth_grants.h"
#include "nsq/result.h"

namespace nsq::daemon {

// What an auth server is told of a client.
struct AuthQuestion {
  std::string remote_ip;  // empty for a Unix socket
  bool tls = false;
  std::string common_name;  // of the client's certificate
  std::string secret;
};

using AuthAnswer = Result<std::shared_ptr<const AuthGrants>>;

// Whoever waits for an answer.
class AuthWaiter {
 public:
  virtual ~AuthWaiter() = default;
  // Called once, on the loop. Must only take note and return.
  virtual void on_auth_answer(AuthAnswer answer) = 0;
};

// Where a session's questions go: AuthClient, or a test.
class Authorizer {
 public:
  virtual ~Authorizer() = default;
  // Returns at once; the waiter is told later, also of failure. On the loop.
  virtual void ask(AuthQuestion question, std::shared_ptr<AuthWaiter> waiter) = 0;
};

}  // namespace nsq::daemon
