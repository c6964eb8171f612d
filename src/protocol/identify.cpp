#include "protocol/identify.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "base/json_writer.h"
#include "protocol/json_text.h"

namespace nsq::protocol {
namespace {

using simdjson::dom::element;

constexpr std::int64_t kDefaultDeflateLevel = 6;
constexpr std::int64_t kMinOutputBufferSize = 64;
constexpr std::int64_t kDisabled = -1;
constexpr Duration kMinHeartbeatInterval = std::chrono::seconds(1);
constexpr Duration kMinMsgTimeout = std::chrono::seconds(1);

// Each `read_member` returns false if the value is of another type or out of range.

bool read_member(const element& value, std::string& member) {
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) return false;
  member = text;
  return true;
}

bool read_member(const element& value, bool& member) {
  return value.get(member) == simdjson::SUCCESS;
}

bool read_member(const element& value, std::int64_t& member) {
  // A number with a point or an exponent is a double to the parser, even where it is whole.
  return value.type() != simdjson::dom::element_type::DOUBLE &&
         value.get(member) == simdjson::SUCCESS;
}

bool read_member(const element& value, std::int32_t& member) {
  std::int64_t wide = 0;
  if (!read_member(value, wide) || wide < std::numeric_limits<std::int32_t>::min() ||
      wide > std::numeric_limits<std::int32_t>::max())
    return false;
  member = static_cast<std::int32_t>(wide);
  return true;
}

template <auto Member>
bool read_into(const element& value, IdentifyRequest& request) {
  return read_member(value, request.*Member);
}

struct MemberRow {
  std::string_view name;
  bool (*read)(const element&, IdentifyRequest&);
};

using Request = IdentifyRequest;
constexpr std::array kMembers{
    MemberRow{"client_id", read_into<&Request::client_id>},
    MemberRow{"hostname", read_into<&Request::hostname>},
    MemberRow{"user_agent", read_into<&Request::user_agent>},
    MemberRow{"feature_negotiation", read_into<&Request::feature_negotiation>},
    MemberRow{"heartbeat_interval", read_into<&Request::heartbeat_interval>},
    MemberRow{"output_buffer_timeout", read_into<&Request::output_buffer_timeout>},
    MemberRow{"output_buffer_size", read_into<&Request::output_buffer_size>},
    MemberRow{"sample_rate", read_into<&Request::sample_rate>},
    MemberRow{"msg_timeout", read_into<&Request::msg_timeout>},
    MemberRow{"tls_v1", read_into<&Request::tls_v1>},
    MemberRow{"snappy", read_into<&Request::snappy>},
    MemberRow{"deflate", read_into<&Request::deflate>},
    MemberRow{"deflate_level", read_into<&Request::deflate_level>},
    MemberRow{"topology_region", read_into<&Request::topology_region>},
    MemberRow{"topology_zone", read_into<&Request::topology_zone>},
};

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

bool read_member(std::string_view name, const element& value, IdentifyRequest& request) {
  if (value.is_null()) return true;
  const auto* row = std::find_if(kMembers.begin(), kMembers.end(), [&](const MemberRow& candidate) {
    return equal_ignoring_case(candidate.name, name);
  });
  return row == kMembers.end() || row->read(value, request);
}

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
  const std::string text = with_valid_unicode(json);
  simdjson::dom::parser parser;
  element document;
  if (parser.parse(text).get(document) != simdjson::SUCCESS) return std::nullopt;
  IdentifyRequest request;
  if (document.is_null()) return request;
  simdjson::dom::object object;
  if (document.get(object) != simdjson::SUCCESS) return std::nullopt;
  for (const auto& [name, value] : object) {
    if (!read_member(name, value, request)) return std::nullopt;
  }
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
