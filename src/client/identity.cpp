#include "client/identity.h"

#include <simdjson.h>
#include <unistd.h>

#include <algorithm>

#include "base/json_writer.h"
#include "nsq/client_error.h"

namespace nsq::client {
namespace {

std::string host_name() {
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  return name;
}

std::int64_t milliseconds(Config::Duration duration) {
  if (duration < Config::Duration::zero()) return -1;
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

bool flag(const simdjson::dom::element& object, std::string_view name) {
  bool value = false;
  return object[name].get(value) == simdjson::SUCCESS && value;
}

std::string text(const simdjson::dom::element& object, std::string_view name) {
  std::string_view value;
  return object[name].get(value) == simdjson::SUCCESS ? std::string(value) : std::string();
}

Error undecodable(std::string_view command) {
  return Error(ClientErrc::NotNsq, std::string("failed to decode the answer to ").append(command));
}

}  // namespace

std::string encode_identify(const Config& config) {
  const std::string hostname = config.hostname.empty() ? host_name() : config.hostname;
  const std::string client_id =
      config.client_id.empty() ? hostname.substr(0, hostname.find('.')) : config.client_id;
  const std::string library = "libnsq/" NSQ_VERSION;
  const std::string user_agent =
      config.user_agent.empty() ? library : config.user_agent + " " + library;
  JsonWriter json;
  json.begin_object()
      .member("client_id", client_id)
      .member("short_id", client_id)
      .member("hostname", hostname)
      .member("long_id", hostname)
      .member("user_agent", user_agent)
      .member("feature_negotiation", true)
      .member("heartbeat_interval", milliseconds(config.heartbeat_interval))
      .member("output_buffer_size", config.output_buffer_size)
      .member("output_buffer_timeout", milliseconds(config.output_buffer_timeout))
      .member("msg_timeout", milliseconds(config.msg_timeout))
      .member("sample_rate", config.sample_rate)
      .member("tls_v1", config.tls_v1)
      .member("snappy", config.snappy)
      .member("deflate", config.deflate)
      .member("deflate_level", config.deflate_level);
  if (!config.topology_region.empty()) json.member("topology_region", config.topology_region);
  if (!config.topology_zone.empty()) json.member("topology_zone", config.topology_zone);
  json.end_object();
  return json.take_text();
}

namespace {

constexpr std::int64_t kMostMilliseconds = std::int64_t{366} * 24 * 3600 * 1000;

void read_milliseconds(const simdjson::dom::element& object, std::string_view name, Duration& to) {
  std::int64_t count = 0;
  if (object[name].get(count) != simdjson::SUCCESS || count <= 0) return;
  to = std::chrono::milliseconds(std::min(count, kMostMilliseconds));
}

}  // namespace

Result<IdentifyReply> parse_identify_reply(std::string_view answer) {
  IdentifyReply reply;
  if (!answer.starts_with('{')) return reply;
  simdjson::dom::parser parser;
  simdjson::dom::element object;
  if (parser.parse(simdjson::padded_string(answer)).get(object) != simdjson::SUCCESS) {
    return undecodable("IDENTIFY");
  }
  std::int64_t max_rdy_count = 0;
  if (object["max_rdy_count"].get(max_rdy_count) == simdjson::SUCCESS && max_rdy_count > 0) {
    reply.max_rdy_count = max_rdy_count;
  }
  read_milliseconds(object, "msg_timeout", reply.msg_timeout);
  read_milliseconds(object, "max_msg_timeout", reply.max_msg_timeout);
  reply.tls_v1 = flag(object, "tls_v1");
  reply.snappy = flag(object, "snappy");
  reply.deflate = flag(object, "deflate");
  reply.auth_required = flag(object, "auth_required");
  return reply;
}

Result<AuthReply> parse_auth_reply(std::string_view answer) {
  simdjson::dom::parser parser;
  simdjson::dom::element object;
  if (parser.parse(simdjson::padded_string(answer)).get(object) != simdjson::SUCCESS ||
      !object.is_object()) {
    return undecodable("AUTH");
  }
  AuthReply reply{text(object, "identity"), text(object, "identity_url"), 0};
  std::int64_t count = 0;
  if (object["permission_count"].get(count) == simdjson::SUCCESS) reply.permission_count = count;
  return reply;
}

}  // namespace nsq::client
