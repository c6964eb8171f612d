// AUTH, and what it has granted a client. A question to the auth servers is on its way while the
// session waits, as it does for a commit; the loop goes on with other clients.

#include <fmt/format.h>

#include <utility>

#include "base/assert.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "daemon/client_session.h"
#include "protocol/quote.h"

namespace nsq::daemon {
namespace {

using protocol::Command;
using protocol::ErrorCode;
using protocol::Verb;

// A secret is kept as long as its client, to be shown again when the grants expire.
constexpr std::size_t kMaxSecretBytes = std::size_t{64} << 10;

}  // namespace

void ClientSession::on_authenticate(const Command& command, const Turn& turn) {
  if (auth_ == nullptr) return fail({ErrorCode::AuthDisabled, "AUTH disabled"}, turn.output);
  if (auth_->is_granted()) return fail({ErrorCode::Invalid, "AUTH already set"}, turn.output);
  if (command.body.size() > kMaxSecretBytes) {
    return fail({ErrorCode::AuthFailed, "AUTH failed"}, turn.output);
  }
  auth_->question.secret = command.body;
  ask_auth_servers();
}

void ClientSession::ask_auth_servers() {
  NSQ_ASSERT(tools_.authorizer != nullptr);
  progress_ = Progress::Waiting;
  tools_.authorizer->ask(auth_->question, owner_.share_session());
}

void ClientSession::on_auth_answer(AuthAnswer answer) {
  auth_answer_ = std::move(answer);
  notify(kAuthAnswered);
}

// The answer to AUTH itself, or, with grants that had expired, the go-ahead for the command that
// found them so.
void ClientSession::end_authentication(const Turn& turn) {
  const AuthAnswer answer = std::move(*std::exchange(auth_answer_, std::nullopt));
  if (!answer) return fail({ErrorCode::AuthFailed, "AUTH failed"}, turn.output);
  const AuthGrants& grants = **answer;
  const bool is_renewal = auth_->is_granted();
  if (!is_renewal && grants.authorizations.empty()) {
    return fail({ErrorCode::Unauthorized, "AUTH no authorizations found"}, turn.output);
  }
  auth_->grant(*answer, turn.now.steady);
  show_identity(grants);
  if (is_renewal) return;
  JsonWriter json;
  json.begin_object()
      .member("identity", grants.identity)
      .member("identity_url", grants.identity_url)
      .member("permission_count", grants.authorizations.size())
      .end_object();
  turn.output.append_response(json.text());
}

void ClientSession::show_identity(const AuthGrants& grants) {
  Lock lock(info_mutex_);
  info_.authed = !grants.authorizations.empty();
  info_.auth_identity = grants.identity;
  info_.auth_identity_url = grants.identity_url;
}

// Whether the command may be executed now. If not, the client has been refused, or the command is
// to be read again once the session goes on.
bool ClientSession::admit(const Command& command, const Turn& turn) {
  const bool subscribes = command.verb == Verb::Sub;
  if (!subscribes && command.verb != Verb::Pub && command.verb != Verb::Mpub &&
      command.verb != Verb::Dpub) {
    return true;
  }
  const std::string_view channel = subscribes ? command.channel : std::string_view();
  const auto verdict = auth_->verdict(subscribes ? Permission::Subscribe : Permission::Publish,
                                      command.topic, channel, turn.now.steady);
  if (verdict == ClientAuth::Verdict::Allowed) return true;
  // What came before is answered first; if that takes time, this is looked at again.
  if (!settle(turn)) return false;
  switch (verdict) {
    case ClientAuth::Verdict::NotAsked:
      fail({ErrorCode::AuthFirst, fmt::format("AUTH required before {}", to_string(command.verb))},
           turn.output);
      break;
    case ClientAuth::Verdict::Denied:
      fail({ErrorCode::Unauthorized,
            fmt::format("AUTH failed for {} on {} {}", to_string(command.verb),
                        protocol::quote(command.topic), protocol::quote(channel))},
           turn.output);
      break;
    default:
      ask_auth_servers();
  }
  return false;
}

}  // namespace nsq::daemon
