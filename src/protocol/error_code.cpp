#include "protocol/error_code.h"

#include <array>

namespace nsq::protocol {
namespace {

struct Row {
  ErrorCode code;
  std::string_view text;
  bool fatal;
};

constexpr std::array kRows{
    Row{ErrorCode::BadProtocol, "E_BAD_PROTOCOL", true},
    Row{ErrorCode::Invalid, "E_INVALID", true},
    Row{ErrorCode::BadTopic, "E_BAD_TOPIC", true},
    Row{ErrorCode::BadChannel, "E_BAD_CHANNEL", true},
    Row{ErrorCode::BadBody, "E_BAD_BODY", true},
    Row{ErrorCode::BadMessage, "E_BAD_MESSAGE", true},
    Row{ErrorCode::PubFailed, "E_PUB_FAILED", true},
    Row{ErrorCode::MpubFailed, "E_MPUB_FAILED", true},
    Row{ErrorCode::DpubFailed, "E_DPUB_FAILED", true},
    Row{ErrorCode::SubFailed, "E_SUB_FAILED", true},
    Row{ErrorCode::IdentifyFailed, "E_IDENTIFY_FAILED", true},
    Row{ErrorCode::AuthFirst, "E_AUTH_FIRST", true},
    Row{ErrorCode::AuthDisabled, "E_AUTH_DISABLED", true},
    Row{ErrorCode::AuthFailed, "E_AUTH_FAILED", true},
    Row{ErrorCode::AuthError, "E_AUTH_ERROR", true},
    Row{ErrorCode::Unauthorized, "E_UNAUTHORIZED", true},
    Row{ErrorCode::FinFailed, "E_FIN_FAILED", false},
    Row{ErrorCode::ReqFailed, "E_REQ_FAILED", false},
    Row{ErrorCode::TouchFailed, "E_TOUCH_FAILED", false},
};

constexpr bool rows_are_in_order() {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<std::size_t>(kRows[i].code) != i) return false;
  }
  return static_cast<std::size_t>(ErrorCode::TouchFailed) + 1 == kRows.size();
}
static_assert(rows_are_in_order(), "one row per code, found by its number");

const Row& row(ErrorCode code) {
  return kRows[static_cast<std::size_t>(code)];
}

}  // namespace

std::string_view to_string(ErrorCode code) {
  return row(code).text;
}

bool is_fatal(ErrorCode code) {
  return row(code).fatal;
}

std::string ProtocolError::to_string() const {
  std::string data(protocol::to_string(code));
  if (code != ErrorCode::BadProtocol) data.append(" ").append(text);
  return data;
}

}  // namespace nsq::protocol
