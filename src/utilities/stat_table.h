#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/instant.h"
#include "cluster/stats.h"

namespace nsq::utilities {

// The table `nsq stat` prints of one channel, which scripts read: its layout is the original's.
//
// Rates need two samples, so that the first gives the heading alone; it comes again every 25
// rounds.
//
// Threading: confined.
class StatTable {
 public:
  // Samples are `interval` apart; it is more than zero.
  explicit StatTable(Duration interval) : interval_(interval) {}

  // What to print in this round: lines, each with its end.
  std::string add(const cluster::ChannelStats& sample);

 private:
  std::int64_t per_second(double messages) const;
  std::string row(const cluster::ChannelStats& before, const cluster::ChannelStats& now) const;

  const Duration interval_;
  std::int64_t round_ = 0;
  std::optional<cluster::ChannelStats> last_;
};

}  // namespace nsq::utilities
