#include "cli/values.h"

#include <charconv>
#include <cmath>
#include <utility>

#include "base/duration_text.h"
#include "cli/cli_error.h"

namespace nsq::cli {
namespace {

constexpr std::uint64_t kMaxMagnitude = std::uint64_t{1} << 63;  // of the smallest int64

Error parse_error() {
  return Error(CliErrc::ParseError, "");
}
Error out_of_range() {
  return Error(CliErrc::OutOfRange, "");
}

// Removes a leading sign; true if it is a minus.
bool take_sign(std::string_view& text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  return negative;
}

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 99;
}

// Removes the prefix that names a base. What follows a prefix may begin with '_', which is why the
// octal "0" stays: it counts as a digit.
unsigned take_base(std::string_view& text) {
  if (text.size() < 2 || text[0] != '0') return 10;
  const char letter = static_cast<char>(text[1] | 0x20);
  const unsigned base = letter == 'x' ? 16 : letter == 'b' ? 2 : letter == 'o' ? 8 : 0;
  if (base == 0) return 8;
  text.remove_prefix(2);
  return base;
}

Result<std::uint64_t> parse_digits(std::string_view digits, unsigned base) {
  std::uint64_t value = 0;
  for (const char c : digits) {
    if (c == '_') continue;
    const auto digit = static_cast<unsigned>(digit_value(c));
    if (digit >= base) return parse_error();
    if (__builtin_mul_overflow(value, std::uint64_t{base}, &value)) return out_of_range();
    if (__builtin_add_overflow(value, std::uint64_t{digit}, &value)) return out_of_range();
  }
  return value;
}

bool underscores_separate_digits(std::string_view digits, bool after_prefix) {
  char before = after_prefix ? '0' : '_';
  for (const char c : digits) {
    if (c == '_' && before == '_') return false;
    before = c;
  }
  return before != '_';
}

Result<std::int64_t> with_sign(std::uint64_t magnitude, bool negative) {
  if (magnitude > kMaxMagnitude - (negative ? 0 : 1)) return out_of_range();
  return static_cast<std::int64_t>(negative ? 0 - magnitude : magnitude);
}

}  // namespace

Result<std::int64_t> parse_integer(std::string_view text) {
  const bool negative = take_sign(text);
  const std::string_view whole = text;
  const unsigned base = take_base(text);
  if (text.empty() || !underscores_separate_digits(text, text.size() < whole.size())) {
    return parse_error();
  }
  const auto magnitude = parse_digits(text, base);
  if (!magnitude) return magnitude.error();
  return with_sign(*magnitude, negative);
}

Result<bool> parse_boolean(std::string_view text) {
  for (const std::string_view word : {"1", "t", "T", "true", "TRUE", "True"}) {
    if (text == word) return true;
  }
  for (const std::string_view word : {"0", "f", "F", "false", "FALSE", "False"}) {
    if (text == word) return false;
  }
  return parse_error();
}

Result<Duration> parse_duration(std::string_view text) {
  const auto duration = nsq::parse_duration(text);
  if (!duration) return parse_error();
  return *duration;
}

Result<double> parse_float(std::string_view text) {
  std::string_view digits = text;
  const bool negative = take_sign(digits);
  double value = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (error == std::errc::result_out_of_range) return out_of_range();
  if (error != std::errc() || stop != end || digits.starts_with('-')) return parse_error();
  return negative ? -value : value;
}

}  // namespace nsq::cli
