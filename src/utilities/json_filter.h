#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "utilities/json_tree.h"

namespace nsq::utilities {

struct JsonFilterOptions {
  std::string require_json_field{};                 // a member of the object; empty: none
  std::string require_json_value{};                 // of that member; empty: any
  std::vector<std::string> whitelist_json_field{};  // the members to keep; empty: all
};

// Which messages to forward, by a member of the JSON object that they are, and how much of them.
//
// Threading: confined.
class JsonFilter {
 public:
  explicit JsonFilter(JsonFilterOptions options);

  // Without a condition every body passes, JSON or not.
  bool is_active() const { return !options_.require_json_field.empty() || rewrites(); }
  // Whether bodies are changed on their way.
  bool rewrites() const { return !options_.whitelist_json_field.empty(); }

  enum class Verdict {
    Pass,
    Drop,    // lacks the member, or it has another value
    NoJson,  // is no JSON object
  };
  // If it passes and bodies are rewritten, adds what is to be forwarded to `rewritten`: the members
  // to keep, without spaces, sorted by name at every level, in the original's spelling of strings.
  // Of several members with the same name the last one counts.
  Verdict apply(std::string_view body, std::string& rewritten);

 private:
  bool has_required_value() const;

  JsonFilterOptions options_;
  bool value_is_number_ = false;
  double value_number_ = 0;
  JsonTree tree_;
};

}  // namespace nsq::utilities
