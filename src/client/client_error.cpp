#include "client/client_error.h"

#include <string>

namespace nsq::client {
namespace {

class Category : public std::error_category {
 public:
  const char* name() const noexcept override { return "nsq client"; }
  std::string message(int code) const override {
    switch (static_cast<ClientErrc>(code)) {
      case ClientErrc::Refused:
        return "refused by the daemon";
      case ClientErrc::NotNsq:
        return "the far end does not speak NSQ";
      case ClientErrc::Silent:
        return "the daemon has gone silent";
      case ClientErrc::Disconnected:
        return "the daemon closed the connection";
    }
    return "unknown error";
  }
};

}  // namespace

std::error_code make_error_code(ClientErrc code) {
  static const Category category;
  return {static_cast<int>(code), category};
}

}  // namespace nsq::client
