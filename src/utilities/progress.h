#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/instant.h"

namespace nsq::utilities {

// How far a copy has got.
struct ProgressState {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;                     // of the input
  std::optional<std::uint64_t> total_bytes{};  // if that is known
  Duration elapsed{0};
};

// "1,234,567 messages, 240.1 MB, 350,000/s, 45%"
std::string progress_text(const ProgressState& state);

// A line on standard error that is drawn again and again, if that is a terminal, from the moment on
// when the work has taken long enough for someone to wonder.
//
// Threading: confined.
class ProgressLine {
 public:
  explicit ProgressLine(Instant begin);
  // Removes the line.
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // Whether it is time to draw; cheap enough for every batch of work.
  bool is_due(Instant now) const { return is_terminal_ && now >= next_; }
  void draw(ProgressState state, Instant now);
  // Makes room for other text.
  void clear();

 private:
  const bool is_terminal_;
  const Instant begin_;
  Instant next_;
  bool is_drawn_ = false;
};

}  // namespace nsq::utilities
