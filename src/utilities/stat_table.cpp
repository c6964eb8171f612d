#include "utilities/stat_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace nsq::utilities {
namespace {

constexpr std::int64_t kRoundsPerHeading = 25;
constexpr std::string_view kHeading =
    "------rate------+----------------depth----------------+--------------metadata---------------\n"
    "ingress  egress |   total     mem    disk inflt   def |     req     t-o         msgs "
    "clients\n";

// Counts may be anything up to the largest number, so that differences of them are not taken as
// integers.
double difference(std::int64_t now, std::int64_t before) {
  return static_cast<double>(now) - static_cast<double>(before);
}

}  // namespace

std::string StatTable::add(const cluster::ChannelStats& sample) {
  std::string text;
  if (round_ % kRoundsPerHeading == 0) text += kHeading;
  if (last_) text += row(*last_, sample);
  last_ = sample;
  ++round_;
  return text;
}

// Negative where a daemon has started anew.
std::int64_t StatTable::per_second(double messages) const {
  constexpr double kMost = 1e18;
  const double rate = messages / std::chrono::duration<double>(interval_).count();
  return static_cast<std::int64_t>(std::clamp(rate, -kMost, kMost));
}

std::string StatTable::row(const cluster::ChannelStats& before,
                           const cluster::ChannelStats& now) const {
  const double added = difference(now.message_count, before.message_count);
  const double left = added - difference(now.depth, before.depth);
  return fmt::format("{:>7} {:>7} | {:>7} {:>7} {:>7} {:>5} {:>5} | {:>7} {:>7} {:>12} {:>7}\n",
                     per_second(added), per_second(left), now.depth, now.depth - now.backend_depth,
                     now.backend_depth, now.in_flight_count, now.deferred_count, now.requeue_count,
                     now.timeout_count, now.message_count, now.client_count);
}

}  // namespace nsq::utilities
