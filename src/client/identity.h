#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/instant.h"
#include "nsq/config.h"
#include "nsq/result.h"

// The JSON documents of a connection's opening.
namespace nsq::client {

// The body of IDENTIFY: what the configuration asks for.
std::string encode_identify(const Config& config);

// What the daemon grants.
struct IdentifyReply {
  // The first three are what servers without negotiation keep to.
  std::int64_t max_rdy_count = 2500;
  Duration msg_timeout = std::chrono::minutes(1);
  Duration max_msg_timeout = std::chrono::minutes(15);
  bool tls_v1 = false;
  bool snappy = false;
  bool deflate = false;
  bool auth_required = false;
};

// A server without negotiation answers something else than an object, and grants nothing.
// Errors: NotNsq for an object that cannot be decoded.
Result<IdentifyReply> parse_identify_reply(std::string_view text);

struct AuthReply {
  std::string identity;
  std::string identity_url;
  std::int64_t permission_count = 0;
};

// Errors: NotNsq.
Result<AuthReply> parse_auth_reply(std::string_view text);

}  // namespace nsq::client
