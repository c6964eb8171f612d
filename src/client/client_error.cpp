#include "nsq/client_error.h"

#include <string>

namespace nsq {
namespace {

std::string_view text_of(ClientErrc code) {
  switch (code) {
    case ClientErrc::InvalidOption:
      return "invalid option";
    case ClientErrc::InvalidArgument:
      return "invalid argument";
    case ClientErrc::Refused:
      return "refused by the daemon";
    case ClientErrc::Unavailable:
      return "the daemon cannot do it now";
    case ClientErrc::NotSent:
      return "not sent";
    case ClientErrc::OutcomeUnknown:
      return "not connected any more, outcome unknown";
    case ClientErrc::TooManyPending:
      return "too many unanswered publishes";
    case ClientErrc::Stopped:
      return "stopped";
    case ClientErrc::AlreadyConnected:
      return "already connected";
    case ClientErrc::NotNsq:
      return "the far end does not speak NSQ";
    case ClientErrc::HttpPort:
      return "unexpected HTTP response, a nsqd TCP endpoint is required";
    case ClientErrc::Silent:
      return "the daemon has gone silent";
    case ClientErrc::Stalled:
      return "the daemon takes nothing any more";
    case ClientErrc::Disconnected:
      return "the daemon closed the connection";
    case ClientErrc::TlsRefused:
      return "TLS was asked for and not granted";
    case ClientErrc::AuthRequired:
      return "Auth Required";
    case ClientErrc::AuthFailed:
      return "Error authenticating";
    case ClientErrc::LookupFailed:
      return "error querying nsqlookupd";
    case ClientErrc::HandlerFailed:
      return "the handler failed";
  }
  return "unknown error";
}

class Category : public std::error_category {
 public:
  const char* name() const noexcept override { return "nsq client"; }
  std::string message(int code) const override {
    return std::string(text_of(static_cast<ClientErrc>(code)));
  }
};

}  // namespace

std::error_code make_error_code(ClientErrc code) {
  static const Category category;
  return {static_cast<int>(code), category};
}

}  // namespace nsq
