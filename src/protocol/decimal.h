#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace nsq::protocol {

// The number a RDY, REQ or DPUB parameter stands for. Only digits are accepted; nothing at all is
// 0; what does not fit 64 bits wraps around in silence, as it always has. Empty if any byte is no
// digit.
constexpr std::optional<std::uint64_t> parse_decimal(std::string_view text) {
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

// Milliseconds as parsed above, in nanoseconds: the product wraps around too, and is then read as
// signed, so that absurd delays may come out negative.
constexpr std::int64_t wrapped_nanoseconds(std::uint64_t milliseconds) {
  return static_cast<std::int64_t>(milliseconds * 1'000'000);
}

}  // namespace nsq::protocol
