#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/instant.h"
#include "protocol/error_code.h"

// IDENTIFY: what a client asks for, what it gets, and what it is told.
namespace nsq::protocol {

// The members of the client's document. What is absent or null keeps the value given here; a 0
// means the same as absence throughout. Durations are milliseconds as written, unchecked.
struct IdentifyRequest {
  std::string client_id{};
  std::string hostname{};
  std::string user_agent{};
  bool feature_negotiation = false;
  std::int64_t heartbeat_interval = 0;
  std::int64_t output_buffer_timeout = 0;
  std::int64_t output_buffer_size = 0;
  std::int32_t sample_rate = 0;
  std::int64_t msg_timeout = 0;
  bool tls_v1 = false;
  bool snappy = false;
  bool deflate = false;
  std::int64_t deflate_level = 0;
  std::string topology_region{};
  std::string topology_zone{};

  friend bool operator==(const IdentifyRequest&, const IdentifyRequest&) = default;
};

// Decodes the body of IDENTIFY: one JSON object, or null. Member names match in any letter case,
// the last of several counts, unknown ones are ignored; a value of another type, or a number that
// is not written as an integer of the member's range, spoils the whole. Invalid UTF-8 and lone
// surrogates become U+FFFD. Empty if the body cannot be decoded: then
// `identify_decode_error` is the answer.
std::optional<IdentifyRequest> parse_identify(std::string_view json);
ProtocolError identify_decode_error();

struct IdentifyLimits {
  Duration max_heartbeat_interval = std::chrono::seconds(60);
  Duration min_output_buffer_timeout = std::chrono::milliseconds(25);
  Duration max_output_buffer_timeout = std::chrono::seconds(30);
  std::int64_t max_output_buffer_size = 65'536;
  Duration max_msg_timeout = std::chrono::minutes(15);
};

// What holds for one connection.
struct IdentifySettings {
  Duration heartbeat_interval = std::chrono::seconds(30);  // 0: no heartbeats and no deadlines
  Duration output_buffer_timeout = std::chrono::milliseconds(250);  // 0: no timed flush
  std::int64_t output_buffer_size = 16'384;                         // 1: no buffering
  int sample_rate = 0;                                              // percent; 0: everything
  Duration msg_timeout = std::chrono::seconds(60);

  friend bool operator==(const IdentifySettings&, const IdentifySettings&) = default;
};

// Changes `settings` to what `request` asks for; what it leaves open stays. Empty on success. The
// first value out of range, in a fixed order, decides the error, and leaves those before it
// applied, which does not matter since the connection ends.
std::optional<ProtocolError> apply_identify(const IdentifyRequest& request,
                                            const IdentifyLimits& limits,
                                            IdentifySettings& settings);

// The answer to a client that negotiates features.
struct IdentifyReply {
  std::int64_t max_rdy_count = 0;
  std::string_view version{};
  Duration max_msg_timeout{0};
  Duration msg_timeout{0};
  bool tls_v1 = false;
  bool deflate = false;
  std::int64_t deflate_level = 0;
  std::int64_t max_deflate_level = 0;
  bool snappy = false;
  int sample_rate = 0;
  bool auth_required = false;
  std::int64_t output_buffer_size = 0;
  Duration output_buffer_timeout{0};
  std::string_view topology_region{};  // the daemon's own
  std::string_view topology_zone{};
};

// The reply as one JSON object, in the member order clients have always seen.
std::string encode_identify_reply(const IdentifyReply& reply);

// The level used for a request: what it asks for, 6 if it asks for none, at most `max`.
std::int64_t effective_deflate_level(std::int64_t requested, std::int64_t max);

}  // namespace nsq::protocol
