#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/instant.h"
#include "protocol/message_id.h"

// What a client asks for, as plain values.
namespace nsq::protocol {

enum class Verb : std::uint8_t {
  Fin,
  Pub,
  Mpub,
  Req,
  Rdy,
  Touch,
  Nop,
  Dpub,
  Sub,
  Cls,
  Identify,
  Auth,
};

// As on the wire: "MPUB".
std::string_view to_string(Verb verb);

// The numbers are shown as `state` in statistics.
enum class ConnectionState : std::uint8_t { Init = 0, Subscribed = 3, Closing = 4 };

// What decides, beside the bytes, whether a command is legal.
struct CommandContext {
  ConnectionState state = ConnectionState::Init;
  bool heartbeats_disabled = false;  // then SUB is refused
  bool tls_missing = false;          // TLS is required and not there: only IDENTIFY is legal
};

struct CommandLimits {
  std::int64_t max_msg_size = 1'048'576;
  std::int64_t max_body_size = 5'242'880;
  std::int64_t max_rdy_count = 2500;
  Duration max_req_timeout = std::chrono::hours(1);    // of REQ
  Duration max_defer_timeout = std::chrono::hours(1);  // of DPUB
};

// One complete command that passed every check which needs only its bytes. Every view lies in the
// input it was read from, or for `messages` in the reader, and lives as long as that stays put.
struct Command {
  Verb verb = Verb::Nop;
  std::string_view topic;                      // PUB, MPUB, DPUB, SUB: a valid name
  std::string_view channel;                    // SUB: a valid name
  std::string_view id_text;                    // FIN, REQ, TOUCH: the 16 bytes as sent
  std::optional<MessageId> id;                 // the same; empty if no message can have that id
  Duration delay{0};                           // DPUB; REQ: already clamped
  std::int64_t ready_count = 0;                // RDY
  std::string_view body;                       // PUB, DPUB, IDENTIFY, AUTH: never empty
  std::span<const std::string_view> messages;  // MPUB: the bodies, at least one, none empty
};

}  // namespace nsq::protocol
