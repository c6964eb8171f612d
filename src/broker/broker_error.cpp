#include "broker/broker_error.h"

#include <string>

namespace nsq::broker {
namespace {

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "nsq broker"; }
  std::string message(int code) const override {
    switch (static_cast<BrokerErrc>(code)) {
      case BrokerErrc::Exiting:
        return "exiting";
      case BrokerErrc::TooManyConsumers:
        return "too many consumers";
      case BrokerErrc::TopicNotFound:
        return "topic not found";
      case BrokerErrc::ChannelNotFound:
        return "channel not found";
      case BrokerErrc::Draining:
        return "draining";
    }
    return "unknown broker error";
  }
};

}  // namespace

std::error_code make_error_code(BrokerErrc code) {
  static const Category category;
  return {static_cast<int>(code), category};
}

}  // namespace nsq::broker
