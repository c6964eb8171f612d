#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/instant.h"

namespace nsq::utilities {

// Tells now and then how long requests took: every so many, of the last so many.
//
// Threading: confined.
class TimingReport {
 public:
  // `subject` is what took the time: "aggregate", or a host. With `every` 0 nothing is ever told.
  TimingReport(std::string subject, std::size_t every)
      : subject_(std::move(subject)), every_(every) {}

  // Adds a request. The first one after a full window brings that window's line:
  // "[aggregate]: finished 250 - 99th: 3.84ms - 95th: 2.10ms - avg: 0.96ms".
  std::optional<std::string> add(Duration took);

 private:
  std::string line();

  const std::string subject_;
  const std::size_t every_;
  std::vector<Duration> window_;
};

// What is to be said at the start of a window too short for percentiles.
std::optional<std::string> find_short_window(std::int64_t every);

}  // namespace nsq::utilities
