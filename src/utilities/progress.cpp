#include "utilities/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <string_view>

namespace nsq::utilities {
namespace {

using namespace std::chrono_literals;

constexpr Duration kPatience = 2s;  // without a line
constexpr Duration kInterval = 250ms;

std::string grouped(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string size_text(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 5> kUnits = {"bytes", "kB", "MB", "GB", "TB"};
  if (bytes < 1000) return fmt::format("{} {}", bytes, kUnits[0]);
  double size = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (size >= 999.95 && unit + 1 < kUnits.size()) {
    size /= 1000;
    ++unit;
  }
  return fmt::format("{:.1f} {}", size, kUnits[unit]);
}

}  // namespace

std::string progress_text(const ProgressState& state) {
  std::string text =
      fmt::format("{} messages, {}", grouped(state.messages), size_text(state.bytes));
  if (state.elapsed > Duration::zero()) {
    const double seconds = std::chrono::duration<double>(state.elapsed).count();
    const auto rate = static_cast<std::uint64_t>(static_cast<double>(state.messages) / seconds);
    text += fmt::format(", {}/s", grouped(rate));
  }
  if (state.total_bytes && *state.total_bytes > 0) {
    const double part = static_cast<double>(state.bytes) / static_cast<double>(*state.total_bytes);
    text += fmt::format(", {}%", static_cast<int>(100 * std::min(part, 1.0)));
  }
  return text;
}

ProgressLine::ProgressLine(Instant begin)
    : is_terminal_(::isatty(STDERR_FILENO) == 1), begin_(begin), next_(begin + kPatience) {}

void ProgressLine::draw(ProgressState state, Instant now) {
  state.elapsed = now - begin_;
  fmt::print(stderr, "\r{}\x1b[K", progress_text(state));
  is_drawn_ = true;
  next_ = now + kInterval;
}

void ProgressLine::clear() {
  if (is_drawn_) std::fputs("\r\x1b[K", stderr);
  is_drawn_ = false;
}

}  // namespace nsq::utilities
