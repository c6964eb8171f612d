#include "base/duration_text.h"

#include <fmt/format.h>

#include <cstdint>

namespace nsq {
namespace {

// A decimal number of `value / unit` with as many digits after the point as it takes, where `unit`
// is 10 to the power `digits`.
std::string with_fraction(std::uint64_t value, std::uint64_t unit, int digits) {
  std::string text = fmt::format("{}", value / unit);
  if (value % unit == 0) return text;
  text += fmt::format(".{:0{}}", value % unit, digits);
  text.erase(text.find_last_not_of('0') + 1);
  return text;
}

}  // namespace

std::string duration_text(Duration duration) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  if (duration == Duration::zero()) return "0s";
  const bool is_negative = duration < Duration::zero();
  // Unsigned, because the most negative duration has no positive counterpart.
  std::uint64_t rest = static_cast<std::uint64_t>(duration.count());
  if (is_negative) rest = -rest;

  std::string text = is_negative ? "-" : "";
  if (rest < 1'000) return text + fmt::format("{}ns", rest);
  if (rest < 1'000'000) return text + with_fraction(rest, 1'000, 3) + "µs";
  if (rest < kSecond) return text + with_fraction(rest, 1'000'000, 6) + "ms";
  const std::uint64_t minutes = rest / kSecond / 60;
  if (minutes >= 60) text += fmt::format("{}h", minutes / 60);
  if (minutes > 0) text += fmt::format("{}m", minutes % 60);
  return text + with_fraction(rest - minutes * 60 * kSecond, kSecond, 9) + "s";
}

}  // namespace nsq
