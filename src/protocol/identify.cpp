#include "protocol/identify.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/json_writer.h"
#include "protocol/json_members.h"

namespace nsq::protocol {
namespace {

constexpr std::int64_t kDefaultDeflateLevel = 6;
constexpr std::int64_t kMinOutputBufferSize = 64;
constexpr std::int64_t kDisabled = -1;
constexpr Duration kMinHeartbeatInterval = std::chrono::seconds(1);
constexpr Duration kMinMsgTimeout = std::chrono::seconds(1);

using Request = IdentifyRequest;
using Row = MemberRow<Request>;
constexpr std::array kMembers{
    Row{"client_id", read_into<&Request::client_id>},
    Row{"hostname", read_into<&Request::hostname>},
    Row{"user_agent", read_into<&Request::user_agent>},
    Row{"feature_negotiation", read_into<&Request::feature_negotiation>},
    Row{"heartbeat_interval", read_into<&Request::heartbeat_interval>},
    Row{"output_buffer_timeout", read_into<&Request::output_buffer_timeout>},
    Row{"output_buffer_size", read_into<&Request::output_buffer_size>},
    Row{"sample_rate", read_into<&Request::sample_rate>},
    Row{"msg_timeout", read_into<&Request::msg_timeout>},
    Row{"tls_v1", read_into<&Request::tls_v1>},
    Row{"snappy", read_into<&Request::snappy>},
    Row{"deflate", read_into<&Request::deflate>},
    Row{"deflate_level", read_into<&Request::deflate_level>},
    Row{"topology_region", read_into<&Request::topology_region>},
    Row{"topology_zone", read_into<&Request::topology_zone>},
};

ProtocolError out_of_range(std::string_view what, std::int64_t value) {
  return {ErrorCode::BadBody, fmt::format("IDENTIFY {} ({}) is invalid", what, value)};
}

std::int64_t to_milliseconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

// Compared in milliseconds, since the request's number in nanoseconds may not fit.
bool within(std::int64_t requested, Duration min, Duration max) {
  return requested >= to_milliseconds(min) && requested <= to_milliseconds(max);
}

}  // namespace

std::optional<IdentifyRequest> parse_identify(std::string_view json) {
  IdentifyRequest request;
  if (!read_document<IdentifyRequest>(json, kMembers, request)) return std::nullopt;
  return request;
}

ProtocolError identify_decode_error() {
  return {ErrorCode::BadBody, "IDENTIFY failed to decode JSON body"};
}

std::optional<ProtocolError> apply_identify(const IdentifyRequest& request,
                                            const IdentifyLimits& limits,
                                            IdentifySettings& settings) {
  using std::chrono::milliseconds;
  const std::int64_t heartbeat = request.heartbeat_interval;
  if (heartbeat == kDisabled) {
    settings.heartbeat_interval = Duration::zero();
  } else if (heartbeat != 0) {
    if (!within(heartbeat, kMinHeartbeatInterval, limits.max_heartbeat_interval))
      return out_of_range("heartbeat interval", heartbeat);
    settings.heartbeat_interval = milliseconds(heartbeat);
  }

  const std::int64_t buffer_timeout = request.output_buffer_timeout;
  if (buffer_timeout == kDisabled) {
    settings.output_buffer_timeout = Duration::zero();
  } else if (buffer_timeout != 0) {
    if (!within(buffer_timeout, limits.min_output_buffer_timeout, limits.max_output_buffer_timeout))
      return out_of_range("output buffer timeout", buffer_timeout);
    settings.output_buffer_timeout = milliseconds(buffer_timeout);
  }

  const std::int64_t buffer_size = request.output_buffer_size;
  if (buffer_size == kDisabled) {
    settings.output_buffer_size = 1;
    settings.output_buffer_timeout = Duration::zero();
  } else if (buffer_size != 0) {
    if (buffer_size < kMinOutputBufferSize || buffer_size > limits.max_output_buffer_size)
      return out_of_range("output buffer size", buffer_size);
    settings.output_buffer_size = buffer_size;
  }

  if (request.sample_rate < 0 || request.sample_rate > 99)
    return out_of_range("sample rate", request.sample_rate);
  settings.sample_rate = request.sample_rate;

  if (request.msg_timeout != 0) {
    if (!within(request.msg_timeout, kMinMsgTimeout, limits.max_msg_timeout))
      return out_of_range("msg timeout", request.msg_timeout);
    settings.msg_timeout = milliseconds(request.msg_timeout);
  }
  return std::nullopt;
}

std::string encode_identify_reply(const IdentifyReply& reply) {
  JsonWriter json;
  json.begin_object()
      .member("max_rdy_count", reply.max_rdy_count)
      .member("version", reply.version)
      .member("max_msg_timeout", to_milliseconds(reply.max_msg_timeout))
      .member("msg_timeout", to_milliseconds(reply.msg_timeout))
      .member("tls_v1", reply.tls_v1)
      .member("deflate", reply.deflate)
      .member("deflate_level", reply.deflate_level)
      .member("max_deflate_level", reply.max_deflate_level)
      .member("snappy", reply.snappy)
      .member("sample_rate", reply.sample_rate)
      .member("auth_required", reply.auth_required)
      .member("output_buffer_size", reply.output_buffer_size)
      .member("output_buffer_timeout", to_milliseconds(reply.output_buffer_timeout))
      .member("topology_region", reply.topology_region)
      .member("topology_zone", reply.topology_zone)
      .end_object();
  return json.take_text();
}

std::int64_t effective_deflate_level(std::int64_t requested, std::int64_t max) {
  return std::min(requested <= 0 ? kDefaultDeflateLevel : requested, max);
}

}  // namespace nsq::protocol
