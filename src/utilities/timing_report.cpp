#include "utilities/timing_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

namespace nsq::utilities {
namespace {

double milliseconds(Duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

// The original's choice of element. Requires: sorted, not empty.
double percentile(const std::vector<Duration>& sorted, double percent) {
  const double place = std::ceil(percent / 100 * static_cast<double>(sorted.size()) + 0.5);
  return milliseconds(sorted[std::min(static_cast<std::size_t>(place), sorted.size() - 1)]);
}

}  // namespace

std::optional<std::string> TimingReport::add(Duration took) {
  if (every_ == 0) return std::nullopt;
  std::optional<std::string> report;
  if (window_.size() == every_) report = line();
  window_.push_back(took);
  return report;
}

std::string TimingReport::line() {
  std::sort(window_.begin(), window_.end());
  const Duration sum = std::accumulate(window_.begin(), window_.end(), Duration::zero());
  const double average = milliseconds(sum) / static_cast<double>(window_.size());
  std::string text =
      fmt::format("[{}]: finished {} - 99th: {:.2f}ms - 95th: {:.2f}ms - avg: {:.2f}ms", subject_,
                  window_.size(), percentile(window_, 99), percentile(window_, 95), average);
  window_.clear();
  return text;
}

std::optional<std::string> find_short_window(std::int64_t every) {
  if (every <= 0 || every >= 100) return std::nullopt;
  return fmt::format(
      "Warning: use more than 100 status values for accurate percentiles (configured with {})",
      every);
}

}  // namespace nsq::utilities
