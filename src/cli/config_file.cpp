#include "cli/config_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <memory>
#include <stdexcept>

#include "base/assert.h"

// The header alone; this is the only source that includes it. Some input makes it trip over its own
// assertions, which is a file it cannot read, and nothing worse.
namespace {
[[noreturn]] void refuse_to_parse() {
  throw std::runtime_error("cannot be parsed");
}
}  // namespace
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 1
#define TOML_ASSERT(condition) ((condition) ? static_cast<void>(0) : refuse_to_parse())
#include <toml++/toml.h>

namespace nsq::cli {
namespace {

Error mistake(std::string text) {
  return Error(CliErrc::ParseError, std::move(text));
}

std::string_view expected_type(const Flag& flag) {
  switch (flag.kind) {
    case Kind::Boolean:
      return "true or false";
    case Kind::Integer:
      return "an integer";
    case Kind::Duration:
      return "a duration like \"1m30s\", or an integer of milliseconds";
    case Kind::TextList:
      return "an array of strings";
    case Kind::FloatList:
      return "an array of numbers";
    case Kind::Text:
    case Kind::Special:
      break;
  }
  return flag.stands_alone ? "a string or a boolean" : "a string";
}

Error wrong_type(const Flag& flag, const toml::node& value) {
  return mistake(fmt::format("line {}: {} must be {}", value.source().begin.line, flag.key,
                             expected_type(flag)));
}

Result<void> set_text(const Flag& flag, std::string_view text) {
  const auto set = flag.set(text);
  if (set) return {};
  const Error& error = set.error();
  return mistake(fmt::format("invalid value {:?} for {}: {}", text, flag.key,
                             error.context().empty() ? error.code().message() : error.context()));
}

// In a file a leading zero does not mean octal, and there are no other bases.
Result<void> set_decimal(const Flag& flag, std::string_view text) {
  std::string_view digits = text;
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  const bool is_decimal = !digits.empty() && std::all_of(digits.begin(), digits.end(), [](char c) {
    return c >= '0' && c <= '9';
  });
  if (!is_decimal) {
    return mistake(fmt::format("invalid value {:?} for {}: parse error", text, flag.key));
  }
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size() - 1));
  return set_text(flag, fmt::format("{}{}", negative ? "-" : "", digits));
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

Result<void> set_split(const Flag& flag, std::string_view text) {
  if (text.empty()) return {};
  while (true) {
    const std::size_t comma = text.find(',');
    const std::string_view part = text.substr(0, comma);
    if (auto set = set_text(flag, flag.kind == Kind::FloatList ? trimmed(part) : part); !set) {
      return set;
    }
    if (comma == std::string_view::npos) return {};
    text.remove_prefix(comma + 1);
  }
}

Result<void> set_array(const Flag& flag, const toml::array& array) {
  for (const toml::node& element : array) {
    std::string text;
    if (flag.kind == Kind::TextList && element.is_string()) {
      text = element.as_string()->get();
    } else if (flag.kind == Kind::FloatList && element.is_number()) {
      text = fmt::format("{}", *element.value<double>());
    } else {
      return wrong_type(flag, element);
    }
    if (auto set = set_text(flag, text); !set) return set;
  }
  return {};
}

Result<void> set_string(const Flag& flag, std::string_view text) {
  switch (flag.kind) {
    case Kind::Integer:
      return set_decimal(flag, text);
    case Kind::TextList:
    case Kind::FloatList:
      return set_split(flag, text);
    case Kind::Boolean:
    case Kind::Duration:
    case Kind::Text:
    case Kind::Special:
      break;
  }
  return set_text(flag, text);
}

Result<void> set_integer(const Flag& flag, const toml::value<std::int64_t>& value) {
  if (flag.kind == Kind::Integer) return set_text(flag, std::to_string(value.get()));
  if (flag.kind == Kind::Duration) return set_text(flag, std::to_string(value.get()) + "ms");
  const bool is_boolean = value.get() == 0 || value.get() == 1;
  if (flag.stands_alone && is_boolean) return set_text(flag, value.get() == 1 ? "true" : "false");
  return wrong_type(flag, value);
}

Result<void> set_value(const Flag& flag, const toml::node& value) {
  if (flag.clear) {
    flag.clear();
    if (const auto* array = value.as_array()) return set_array(flag, *array);
  }
  if (const auto* text = value.as_string()) return set_string(flag, text->get());
  if (const auto* number = value.as_integer()) return set_integer(flag, *number);
  if (const auto* boolean = value.as_boolean(); boolean != nullptr && flag.stands_alone) {
    return set_text(flag, boolean->get() ? "true" : "false");
  }
  return wrong_type(flag, value);
}

std::string unknown_key(FlagTable& flags, std::string_view key) {
  std::string hint;
  std::string name(key);
  std::replace(name.begin(), name.end(), '_', '-');
  if (const Flag* flag = flags.find(name); flag != nullptr) {
    hint = flag->key.empty() ? " (it can only be a flag)"
                             : fmt::format(" (the key is called {})", flag->key);
  }
  return fmt::format("unknown key {:?}{}", key, hint);
}

Result<toml::table> parse(std::string_view text) {
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    return mistake(fmt::format("line {}: {}", error.source().begin.line, error.description()));
  } catch (const std::exception& error) {
    return mistake(error.what());
  }
}

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

Error cannot_read() {
  return Error(std::error_code(errno, std::generic_category()), "cannot be read");
}

Result<std::string> read_file(const std::string& path) {
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "rbe"));
  if (!file) return cannot_read();
  std::string text(kMaxConfigFileBytes + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0) return cannot_read();
  if (text.size() > kMaxConfigFileBytes) {
    return mistake(fmt::format("it is larger than {} bytes", kMaxConfigFileBytes));
  }
  return text;
}

}  // namespace

Result<void> apply_config(FlagTable& flags, std::string_view text,
                          std::vector<std::string>& warnings) {
  const auto parsed = parse(text);
  if (!parsed) return parsed.error();
  for (const auto& [key, value] : *parsed) {
    const Flag* flag = flags.find_key(key.str());
    if (flag == nullptr || value.is_table() || value.is_array_of_tables()) {
      warnings.push_back(flag == nullptr ? unknown_key(flags, key.str())
                                         : fmt::format("{} is a table", key.str()));
      continue;
    }
    const bool overruled = flag->given || flag->in_environment;
    // The special words are checked in any case, as ever.
    if (overruled && flag->kind != Kind::Special) continue;
    if (auto set = set_value(*flag, value); !set) return set;
    if (overruled) NSQ_ASSERT(flag->set(flag->value));
  }
  return {};
}

Result<void> apply_config_file(FlagTable& flags, const std::string& path,
                               std::vector<std::string>& warnings) {
  const auto in_file = [&path](const Error& error) {
    const std::string reason = error == CliErrc::ParseError ? error.context() : error.to_string();
    return Error(error.code(), fmt::format("failed to load config file {} - {}", path, reason));
  };
  const auto text = read_file(path);
  if (!text) return in_file(text.error());
  std::vector<std::string> found;
  const auto applied = apply_config(flags, *text, found);
  for (const std::string& warning : found) {
    warnings.push_back(fmt::format("config file {}: {}, ignored", path, warning));
  }
  if (!applied) return in_file(applied.error());
  return {};
}

}  // namespace nsq::cli
