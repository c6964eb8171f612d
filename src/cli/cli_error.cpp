#include "cli/cli_error.h"

#include <string>

namespace nsq::cli {
namespace {

class Category : public std::error_category {
 public:
  const char* name() const noexcept override { return "command line"; }
  std::string message(int code) const override {
    switch (static_cast<CliErrc>(code)) {
      case CliErrc::ParseError:
        return "parse error";
      case CliErrc::OutOfRange:
        return "value out of range";
      case CliErrc::Unknown:
        return "unknown word";
      case CliErrc::Fatal:
        return "unusable value";
    }
    return "unknown error";
  }
};

}  // namespace

std::error_code make_error_code(CliErrc code) {
  static const Category category;
  return {static_cast<int>(code), category};
}

}  // namespace nsq::cli
