#include "net/net_error.h"

#include <string>

namespace nsq::net {
namespace {

class NetCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "nsq.net"; }
  std::string message(int code) const override {
    switch (static_cast<NetErrc>(code)) {
      case NetErrc::NoSuchHost:
        return "no such host";
      case NetErrc::UnknownPort:
        return "unknown port";
      case NetErrc::TimedOut:
        return "i/o timeout";
      case NetErrc::PathTooLong:
        return "invalid argument";
      case NetErrc::MissingPort:
        return "missing port in address";
    }
    return "unknown network error";
  }
};

class LowerCaseSystemCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "nsq.system"; }
  std::string message(int code) const override {
    std::string text = std::system_category().message(code);
    if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z') {
      text[0] = static_cast<char>(text[0] - 'A' + 'a');
    }
    return text;
  }
  std::error_condition default_error_condition(int code) const noexcept override {
    return std::system_category().default_error_condition(code);
  }
};

}  // namespace

std::error_code make_error_code(NetErrc code) {
  static const NetCategory category;
  return {static_cast<int>(code), category};
}

std::error_code system_error(int number) {
  static const LowerCaseSystemCategory category;
  return {number, category};
}

}  // namespace nsq::net
