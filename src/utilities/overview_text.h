#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/instant.h"
#include "utilities/overview.h"

// An overview for people, and for programs.
namespace nsq::utilities {

// A heading, and a line for each topic and, beneath it, each of its channels; without ends of
// lines. What names hold that is not printable ASCII is shown as '?': they come from other programs
// and go to a terminal.
std::vector<std::string> overview_lines(const std::vector<TopicOverview>& topics);

// One line of JSON, with its end. Rates nobody knows yet are null.
std::string overview_json(const std::vector<TopicOverview>& topics, Timestamp taken,
                          const std::vector<std::string>& errors);

// A text that stays in its place on a terminal: each one is drawn over the last. It keeps no state
// there, so that nothing needs to be put back at the end.
//
// Threading: confined.
class Screen {
 public:
  // What to write for these lines, cut to what a terminal of this size holds. Requires: lines of
  // printable ASCII.
  std::string draw(std::vector<std::string> lines, std::size_t rows, std::size_t columns);

 private:
  std::size_t drawn_ = 0;  // lines above the cursor that are ours
};

// ASCII that does nothing to a terminal.
std::string printable(std::string_view text);

}  // namespace nsq::utilities
