#pragma once

#include <cstdint>
#include <string>
#include <string_view>

// The errors a daemon answers with. Whether a connection survives belongs to the code, never to
// the place that raises it: one table says it for all.
namespace nsq::protocol {

enum class ErrorCode : std::uint8_t {
  BadProtocol,
  Invalid,
  BadTopic,
  BadChannel,
  BadBody,
  BadMessage,
  PubFailed,
  MpubFailed,
  DpubFailed,
  SubFailed,
  IdentifyFailed,
  AuthFirst,
  AuthDisabled,
  AuthFailed,
  AuthError,
  Unauthorized,
  FinFailed,
  ReqFailed,
  TouchFailed,
};

// As on the wire: "E_INVALID".
std::string_view to_string(ErrorCode code);

// Whether the connection is closed after the error frame.
bool is_fatal(ErrorCode code);

// One error frame's content. `text` may quote what the client sent, hence any bytes at all.
struct ProtocolError {
  ErrorCode code = ErrorCode::Invalid;
  std::string text;

  bool fatal() const { return is_fatal(code); }
  // The frame's data: the code, and after a space the text. E_BAD_PROTOCOL alone has no text.
  std::string to_string() const;

  friend bool operator==(const ProtocolError&, const ProtocolError&) = default;
};

}  // namespace nsq::protocol
