#include "cli/environment.h"

#include <fmt/format.h>

namespace nsq::cli {
namespace {

Result<void> set(const Flag& flag, const std::string& variable, std::string_view value) {
  const auto done = flag.set(value);
  if (done) return {};
  const Error& error = done.error();
  return Error(CliErrc::ParseError,
               fmt::format("invalid value {:?} for environment variable {}: {}", value, variable,
                           error.context().empty() ? error.code().message() : error.context()));
}

Result<void> set_list(const Flag& flag, const std::string& variable, std::string_view values) {
  while (true) {
    const std::size_t comma = values.find(',');
    if (auto done = set(flag, variable, values.substr(0, comma)); !done) return done;
    if (comma == std::string_view::npos) return {};
    values.remove_prefix(comma + 1);
  }
}

}  // namespace

std::string environment_name(std::string_view flag) {
  std::string name = "NSQ_";
  for (const char c : flag) {
    name += c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return name;
}

Result<void> apply_environment(FlagTable& flags,
                               const std::function<const char*(const std::string&)>& look_up) {
  for (Flag& flag : flags.flags()) {
    if (flag.given || flag.key.empty()) continue;
    const std::string variable = environment_name(flag.name);
    const char* value = look_up(variable);
    if (value == nullptr || *value == '\0') continue;
    if (flag.clear) flag.clear();
    auto done = flag.clear ? set_list(flag, variable, value) : set(flag, variable, value);
    if (!done) return done;
    flag.in_environment = true;
    flag.value = value;
  }
  return {};
}

}  // namespace nsq::cli
