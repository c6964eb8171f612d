#pragma once

#include <cstddef>
#include <string_view>

// What a topic or a channel may be called; the rule is the same for both.
namespace nsq::protocol {

inline constexpr std::size_t kMaxNameBytes = 64;
inline constexpr std::string_view kEphemeralSuffix = "#ephemeral";

// 1 to 64 bytes of letters, digits, '.', '_' and '-', of which the end may be "#ephemeral" if
// something stands before it.
bool is_valid_name(std::string_view name);

// Requires: a valid name.
inline bool is_ephemeral(std::string_view name) {
  return name.ends_with(kEphemeralSuffix);
}

}  // namespace nsq::protocol
