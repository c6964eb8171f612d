#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nsq::http {

// The parameters of a query string. Kept for reuse: parsing does not allocate once warm.
//
// Threading: confined.
class Query {
 public:
  Query() = default;
  Query(const Query&) = delete;  // the views would go on pointing into the original
  Query& operator=(const Query&) = delete;

  // Replaces the parameters with those of `text`, which must stay valid as long as they are used.
  // False, with no parameters, if it is malformed: a '%' without two hexadecimal digits, or a ';',
  // which some take for a separator.
  bool parse(std::string_view text);

  // The decoded value of the first parameter of this name. Present but empty ("topic=", "topic")
  // is not the same as missing.
  std::optional<std::string_view> find(std::string_view name) const;
  // The value, or "" also where it is missing.
  std::string_view get(std::string_view name) const { return find(name).value_or(""); }

 private:
  struct Parameter {
    std::string_view name, value;
  };

  bool add(std::string_view piece);
  bool decode(std::string_view text, std::string_view& decoded);

  std::vector<Parameter> parameters_;
  std::string decoded_;  // what differs from its encoded form; never moves during a parse
};

}  // namespace nsq::http
