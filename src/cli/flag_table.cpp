#include "cli/flag_table.h"

#include <algorithm>
#include <utility>

#include "base/duration_text.h"

namespace nsq::cli {

Flag* FlagTable::find(std::string_view name) {
  const auto found = std::find_if(flags_.begin(), flags_.end(),
                                  [&](const Flag& flag) { return flag.name == name; });
  return found == flags_.end() ? nullptr : &*found;
}

FlagTable& FlagTable::group(std::string heading) {
  group_ = std::move(heading);
  return *this;
}

FlagTable& FlagTable::add(std::string name, bool& target, std::string help) {
  const auto set = [&target](std::string_view text) -> Result<void> {
    const auto value = parse_boolean(text);
    if (!value) return value.error();
    target = *value;
    return {};
  };
  add_row(std::move(name), Kind::Boolean, "", target ? "true" : "", std::move(help), set);
  return standing_alone();
}

FlagTable& FlagTable::add(std::string name, Duration& target, std::string help) {
  const auto set = [&target](std::string_view text) -> Result<void> {
    const auto value = parse_duration(text);
    if (!value) return value.error();
    target = *value;
    return {};
  };
  return add_row(std::move(name), Kind::Duration, "duration",
                 target == Duration::zero() ? "" : duration_text(target), std::move(help), set);
}

FlagTable& FlagTable::add(std::string name, std::string& target, std::string placeholder,
                          std::string help) {
  const auto set = [&target](std::string_view text) -> Result<void> {
    target = text;
    return {};
  };
  const std::string shown = target.empty() ? "" : "\"" + target + "\"";
  return add_row(std::move(name), Kind::Text, std::move(placeholder), shown, std::move(help), set);
}

FlagTable& FlagTable::add(std::string name, std::vector<std::string>& target,
                          std::string placeholder, std::string help) {
  const auto set = [&target](std::string_view text) -> Result<void> {
    target.emplace_back(text);
    return {};
  };
  return add_row(std::move(name), Kind::TextList, std::move(placeholder), "",
                 std::move(help) + "; may be given several times", set);
}

FlagTable& FlagTable::add_row(std::string name, Kind kind, std::string placeholder,
                              std::string default_text, std::string help,
                              std::function<Result<void>(std::string_view)> set) {
  flags_.push_back({std::move(name), kind, group_, std::move(placeholder), std::move(default_text),
                    std::move(help), std::move(set)});
  return *this;
}

FlagTable& FlagTable::standing_alone() {
  flags_.back().stands_alone = true;
  return *this;
}

}  // namespace nsq::cli
