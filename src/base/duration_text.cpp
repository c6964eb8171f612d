#include "base/duration_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
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

constexpr std::uint64_t kMaxMagnitude = std::uint64_t{1} << 63;  // of the smallest int64

struct Unit {
  std::string_view name;
  std::uint64_t nanoseconds;
};
constexpr std::array<Unit, 8> kUnits{{{"ns", 1},
                                      {"us", 1'000},
                                      {"\xc2\xb5s", 1'000},  // micro sign
                                      {"\xce\xbcs", 1'000},  // Greek mu
                                      {"ms", 1'000'000},
                                      {"s", 1'000'000'000},
                                      {"m", 60'000'000'000},
                                      {"h", 3'600'000'000'000}}};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string_view take_while(std::string_view& text, bool (*wanted)(char)) {
  const auto end = std::find_if_not(text.begin(), text.end(), wanted);
  const auto length = static_cast<std::size_t>(end - text.begin());
  const std::string_view taken = text.substr(0, length);
  text.remove_prefix(length);
  return taken;
}

// Empty if it does not fit.
std::optional<std::uint64_t> whole_number(std::string_view digits) {
  std::uint64_t value = 0;
  for (const char c : digits) {
    if (__builtin_mul_overflow(value, std::uint64_t{10}, &value)) return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (__builtin_add_overflow(value, digit, &value)) return std::nullopt;
  }
  return value;
}

// One pair of number and unit, in nanoseconds.
std::optional<std::uint64_t> take_pair(std::string_view& text) {
  const std::string_view whole = take_while(text, is_digit);
  std::string_view fraction;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    fraction = take_while(text, is_digit);
  }
  if (whole.empty() && fraction.empty()) return std::nullopt;
  const std::string_view name = take_while(text, [](char c) { return c != '.' && !is_digit(c); });
  const auto unit = std::find_if(kUnits.begin(), kUnits.end(),
                                 [&](const Unit& candidate) { return candidate.name == name; });
  if (unit == kUnits.end()) return std::nullopt;

  const auto number = whole_number(whole);
  std::uint64_t nanoseconds = 0;
  if (!number || __builtin_mul_overflow(*number, unit->nanoseconds, &nanoseconds)) {
    return std::nullopt;
  }
  double place = static_cast<double>(unit->nanoseconds);
  double part = 0;
  for (const char c : fraction) part += (place /= 10) * (c - '0');
  // The nudge keeps 1.1s from losing a nanosecond to binary fractions.
  return nanoseconds + static_cast<std::uint64_t>(part + 1e-3);
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

std::optional<Duration> parse_duration(std::string_view text) {
  const bool is_negative = text.starts_with('-');
  if (is_negative || text.starts_with('+')) text.remove_prefix(1);
  if (text == "0") return Duration::zero();
  if (text.empty()) return std::nullopt;
  std::uint64_t total = 0;
  while (!text.empty()) {
    const auto part = take_pair(text);
    if (!part || __builtin_add_overflow(total, *part, &total)) return std::nullopt;
  }
  if (total > kMaxMagnitude - (is_negative ? 0 : 1)) return std::nullopt;
  return Duration(static_cast<std::int64_t>(is_negative ? 0 - total : total));
}

}  // namespace nsq
