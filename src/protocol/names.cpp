#include "protocol/names.h"

#include <array>

namespace nsq::protocol {
namespace {

constexpr auto kAllowed = [] {
  std::array<bool, 256> allowed{};
  for (const char c : std::string_view("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "0123456789._-"))
    allowed[static_cast<unsigned char>(c)] = true;
  return allowed;
}();

}  // namespace

bool is_valid_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxNameBytes) return false;
  std::size_t plain = 0;
  while (plain < name.size() && kAllowed[static_cast<unsigned char>(name[plain])]) ++plain;
  return plain == name.size() || (plain > 0 && name.substr(plain) == kEphemeralSuffix);
}

}  // namespace nsq::protocol
