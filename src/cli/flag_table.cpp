#include "cli/flag_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/duration_text.h"

namespace nsq::cli {

Flag* FlagTable::find(std::string_view name) {
  const auto found = std::find_if(flags_.begin(), flags_.end(),
                                  [&](const Flag& flag) { return flag.name == name; });
  return found == flags_.end() ? nullptr : &*found;
}

Flag* FlagTable::find_key(std::string_view key) {
  const auto found = std::find_if(flags_.begin(), flags_.end(), [&](const Flag& flag) {
    return !flag.key.empty() && flag.key == key;
  });
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
  add_row(std::move(name), Kind::TextList, std::move(placeholder), "",
          std::move(help) + "; may be given several times", set);
  flags_.back().clear = [&target] { target.clear(); };
  return *this;
}

FlagTable& FlagTable::add(std::string name, std::vector<double>& target, std::string placeholder,
                          std::string help) {
  const auto set = [&target](std::string_view text) -> Result<void> {
    while (true) {
      const std::size_t comma = text.find(',');
      const std::string_view part = text.substr(0, comma);
      const auto value = parse_float(part);
      if (!value) return Error(CliErrc::Fatal, fmt::format("Could not parse: {}", part));
      target.push_back(*value);
      if (comma == std::string_view::npos) break;
      text.remove_prefix(comma + 1);
    }
    std::sort(target.begin(), target.end(), std::greater<>());
    return {};
  };
  add_row(std::move(name), Kind::FloatList, std::move(placeholder), "",
          std::move(help) + "; may be given several times", set);
  flags_.back().clear = [&target] { target.clear(); };
  return *this;
}

FlagTable& FlagTable::add_row(std::string name, Kind kind, std::string placeholder,
                              std::string default_text, std::string help,
                              std::function<Result<void>(std::string_view)> set) {
  std::string key = name;
  std::replace(key.begin(), key.end(), '-', '_');
  flags_.push_back({.name = std::move(name),
                    .kind = kind,
                    .group = group_,
                    .placeholder = std::move(placeholder),
                    .default_text = std::move(default_text),
                    .help = std::move(help),
                    .set = std::move(set),
                    .clear = nullptr,
                    .key = std::move(key)});
  return *this;
}

FlagTable& FlagTable::add_row(Flag flag) {
  flags_.push_back(std::move(flag));
  return *this;
}

FlagTable& FlagTable::key(std::string name) {
  flags_.back().key = std::move(name);
  return *this;
}

FlagTable& FlagTable::words(std::vector<std::string> words) {
  flags_.back().words = std::move(words);
  return *this;
}

FlagTable& FlagTable::example(std::string arguments, std::string says) {
  examples_.push_back({std::move(arguments), std::move(says)});
  return *this;
}

FlagTable& FlagTable::note(std::string text) {
  notes_.push_back(std::move(text));
  return *this;
}

FlagTable& FlagTable::positional(std::string placeholder, std::vector<std::string>& target,
                                 std::vector<std::string> words) {
  positional_ = {std::move(placeholder), std::move(words), &target, false};
  return *this;
}

FlagTable& FlagTable::leading(std::string placeholder, std::vector<std::string> words) {
  positional_ = {std::move(placeholder), std::move(words), nullptr, true};
  return *this;
}

FlagTable& FlagTable::standing_alone() {
  flags_.back().stands_alone = true;
  return *this;
}

}  // namespace nsq::cli
