#include "daemon/auth_grants.h"

#include <fmt/format.h>
#include <re2/re2.h>
#include <simdjson.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "protocol/json_text.h"

namespace nsq::daemon {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

// What an answer may consist of. An auth server that grants more should use wider patterns.
constexpr std::size_t kMaxAuthorizations = 1000;
constexpr std::size_t kMaxPatterns = 5000;  // of topics and channels together
constexpr std::size_t kMaxPatternBytes = 1024;
constexpr std::size_t kMaxIdentityBytes = 4096;
// For one pattern, its states remembered while matching included.
constexpr std::int64_t kPatternMemoryBytes = std::int64_t{256} << 10;
constexpr std::int64_t kMaxTtlSeconds = std::int64_t{100} * 365 * 24 * 3600;

Error unusable(std::string reason) {
  return Error(std::make_error_code(std::errc::bad_message), std::move(reason));
}

re2::StringPiece piece(std::string_view text) {
  return {text.data(), text.size()};
}

bool matches(const AuthPatterns::Pattern& pattern, std::string_view name) {
  return re2::RE2::PartialMatch(piece(name), *pattern);
}

// The members of one object, where NSQ has always found them: in any letter case, and null as if
// they were absent.
class Members {
 public:
  explicit Members(simdjson::dom::object object) : object_(object) {}

  bool find(std::string_view name, element& value) const {
    bool found = false;
    for (const auto [key, member] : object_) {
      if (!same_name(key, name) || member.is_null()) continue;
      value = member;
      found = true;
    }
    return found;
  }

 private:
  static bool same_name(std::string_view a, std::string_view b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [&](char x, char y) { return lower(x) == lower(y); });
  }

  simdjson::dom::object object_;
};

Result<std::string> read_text(const Members& members, std::string_view name,
                              std::size_t most_bytes) {
  element value;
  if (!members.find(name, value)) return std::string();
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) {
    return unusable(fmt::format("{} is not a string", name));
  }
  if (text.size() > most_bytes) return unusable(fmt::format("{} is too long", name));
  return std::string(text);
}

// Null and absent are as good as empty.
Result<std::vector<element>> read_list(const Members& members, std::string_view name,
                                       std::size_t most) {
  std::vector<element> items;
  element value;
  if (!members.find(name, value)) return items;
  simdjson::dom::array array;
  if (value.get(array) != simdjson::SUCCESS) {
    return unusable(fmt::format("{} is not a list", name));
  }
  for (const element item : array) {
    if (items.size() == most) return unusable(fmt::format("{} is too long", name));
    items.push_back(item);
  }
  return items;
}

class AnswerReader {
 public:
  explicit AnswerReader(AuthPatterns& patterns) : patterns_(patterns) {}

  Result<AuthGrants> read(const Members& members) {
    AuthGrants grants;
    auto identity = read_text(members, "identity", kMaxIdentityBytes);
    if (!identity) return identity.error();
    auto url = read_text(members, "identity_url", kMaxIdentityBytes);
    if (!url) return url.error();
    grants.identity = std::move(*identity);
    grants.identity_url = std::move(*url);

    std::int64_t ttl = 0;
    element value;
    if (members.find("ttl", value) &&
        (value.type() == element_type::DOUBLE || value.get(ttl) != simdjson::SUCCESS)) {
      return unusable("ttl is not a whole number");
    }
    if (ttl <= 0) return unusable(fmt::format("ttl is {}", ttl));
    grants.ttl = std::chrono::seconds(std::min(ttl, kMaxTtlSeconds));

    const auto items = read_list(members, "authorizations", kMaxAuthorizations);
    if (!items) return items.error();
    for (const element& item : *items) {
      simdjson::dom::object object;
      if (item.get(object) != simdjson::SUCCESS) return unusable("an authorization is no object");
      auto authorization = read_authorization(Members(object));
      if (!authorization) return authorization.error();
      grants.authorizations.push_back(std::move(*authorization));
    }
    return grants;
  }

 private:
  Result<AuthGrants::Authorization> read_authorization(const Members& members) {
    AuthGrants::Authorization authorization;
    auto topic = read_text(members, "topic", kMaxPatternBytes);
    if (!topic) return topic.error();
    auto pattern = compile(*topic);
    if (!pattern) return pattern.error();
    authorization.topic = std::move(*pattern);

    const auto channels = read_list(members, "channels", kMaxPatterns);
    if (!channels) return channels.error();
    for (const element& channel : *channels) {
      std::string_view text;
      if (channel.get(text) != simdjson::SUCCESS) return unusable("a channel is no string");
      auto compiled = compile(text);
      if (!compiled) return compiled.error();
      authorization.channels.push_back(std::move(*compiled));
    }

    const auto permissions = read_list(members, "permissions", kMaxPatterns);
    if (!permissions) return permissions.error();
    for (const element& permission : *permissions) {
      std::string_view word;
      if (permission.get(word) != simdjson::SUCCESS) return unusable("a permission is no string");
      if (word == "subscribe") {
        authorization.subscribe = true;
      } else if (word == "publish") {
        authorization.publish = true;
      } else {
        return unusable("there is no such permission");
      }
    }
    return authorization;
  }

  Result<AuthPatterns::Pattern> compile(std::string_view text) {
    if (++pattern_count_ > kMaxPatterns) return unusable("too many patterns");
    auto pattern = patterns_.find_or_compile(text);
    if (pattern == nullptr) return unusable("a pattern is no regular expression, or too long");
    return pattern;
  }

  AuthPatterns& patterns_;
  std::size_t pattern_count_ = 0;
};

}  // namespace

AuthPatterns::Pattern AuthPatterns::find_or_compile(std::string_view text) {
  if (text.size() > kMaxPatternBytes) return nullptr;
  std::string key(text);
  if (const auto found = patterns_.find(key); found != patterns_.end()) {
    if (auto pattern = found->second.lock()) return pattern;
  }
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_never_capture(true);
  options.set_max_mem(kPatternMemoryBytes);
  auto pattern = std::make_shared<const re2::RE2>(piece(text), options);
  if (!pattern->ok()) return nullptr;
  if (patterns_.size() >= next_sweep_) drop_unused();
  patterns_.insert_or_assign(std::move(key), pattern);
  return pattern;
}

// At most as often as the table doubles, so that it costs next to nothing per pattern.
void AuthPatterns::drop_unused() {
  std::erase_if(patterns_, [](const auto& entry) { return entry.second.expired(); });
  next_sweep_ = std::max<std::size_t>(256, 2 * patterns_.size());
}

std::size_t AuthPatterns::size() {
  drop_unused();
  return patterns_.size();
}

bool AuthGrants::allows(Permission permission, std::string_view topic,
                        std::string_view channel) const {
  return std::any_of(
      authorizations.begin(), authorizations.end(), [&](const Authorization& authorization) {
        const bool permitted =
            permission == Permission::Publish ? authorization.publish : authorization.subscribe;
        return permitted && matches(authorization.topic, topic) &&
               std::any_of(authorization.channels.begin(), authorization.channels.end(),
                           [&](const auto& pattern) { return matches(pattern, channel); });
      });
}

Result<AuthGrants> parse_auth_answer(std::string_view json, AuthPatterns& patterns) {
  simdjson::dom::parser parser;
  const std::string text = protocol::with_valid_unicode(json);
  element document;
  if (parser.parse(text).get(document) != simdjson::SUCCESS) return unusable("not JSON");
  simdjson::dom::object object;
  if (document.get(object) != simdjson::SUCCESS) return unusable("no JSON object");
  return AnswerReader(patterns).read(Members(object));
}

}  // namespace nsq::daemon
