#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/instant.h"
#include "nsq/result.h"

namespace re2 {
class RE2;
}

namespace nsq::daemon {

enum class Permission : std::uint8_t { Subscribe, Publish };

// Compiled patterns by their text, so that clients with the same grants share them.
//
// Threading: confined; the patterns themselves are immutable.
class AuthPatterns {
 public:
  using Pattern = std::shared_ptr<const re2::RE2>;

  // Null if it is no regular expression, or one too long or costly to be kept.
  Pattern find_or_compile(std::string_view text);
  // Those still used by someone.
  std::size_t size();

 private:
  void drop_unused();

  std::unordered_map<std::string, std::weak_ptr<const re2::RE2>> patterns_;
  std::size_t next_sweep_ = 256;
};

// What an auth server grants one client, and for how long.
//
// Patterns are regular expressions in RE2's syntax, looked for anywhere in a name, and matched in
// time linear in the name, whatever the pattern. Threading: immutable.
struct AuthGrants {
  struct Authorization {
    AuthPatterns::Pattern topic;
    std::vector<AuthPatterns::Pattern> channels;
    bool subscribe = false;
    bool publish = false;
  };

  std::string identity;
  std::string identity_url;
  Duration ttl{0};
  std::vector<Authorization> authorizations;

  // Publishing names no channel: a pattern must match the empty name then.
  bool allows(Permission permission, std::string_view topic, std::string_view channel) const;
};

// Reads an auth server's answer.
// Errors: the answer cannot be used; one sentence why.
Result<AuthGrants> parse_auth_answer(std::string_view json, AuthPatterns& patterns);

}  // namespace nsq::daemon
