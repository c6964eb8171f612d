#include "protocol/discovery.h"

#include <array>

#include "base/bytes.h"
#include "base/json_writer.h"
#include "protocol/json_members.h"
#include "protocol/names.h"

namespace nsq::protocol {
namespace {

using Row = MemberRow<PeerIdentity>;
constexpr std::array kMembers{
    Row{"broadcast_address", read_into<&PeerIdentity::broadcast_address>},
    Row{"hostname", read_into<&PeerIdentity::hostname>},
    Row{"tcp_port", read_into<&PeerIdentity::tcp_port>},
    Row{"http_port", read_into<&PeerIdentity::http_port>},
    Row{"version", read_into<&PeerIdentity::version>},
    Row{"topology_zone", read_into<&PeerIdentity::topology_zone>},
    Row{"topology_region", read_into<&PeerIdentity::topology_region>},
};

std::string encode_identity(const PeerIdentity& identity, bool with_topology) {
  JsonWriter json;
  json.begin_object()
      .member("broadcast_address", identity.broadcast_address)
      .member("hostname", identity.hostname)
      .member("http_port", identity.http_port)
      .member("tcp_port", identity.tcp_port);
  if (with_topology) {
    json.member("topology_region", identity.topology_region)
        .member("topology_zone", identity.topology_zone);
  }
  json.member("version", identity.version).end_object();
  return json.take_text();
}

}  // namespace

std::optional<PeerIdentity> parse_peer_identity(std::string_view json) {
  PeerIdentity identity;
  if (!read_document<PeerIdentity>(json, kMembers, identity)) return std::nullopt;
  return identity;
}

std::string encode_daemon_identity(const PeerIdentity& identity) {
  return encode_identity(identity, true);
}

std::string encode_lookupd_identity(const PeerIdentity& identity) {
  return encode_identity(identity, false);
}

std::optional<std::vector<std::string>> parse_channels_answer(std::string_view json) {
  const std::string text = with_valid_unicode(json);
  simdjson::dom::parser parser;
  simdjson::dom::array channels;
  if (parser.parse(text)["channels"].get(channels) != simdjson::SUCCESS) return std::nullopt;
  std::vector<std::string> names;
  for (const simdjson::dom::element channel : channels) {
    std::string_view name;
    if (channel.get(name) != simdjson::SUCCESS) return std::nullopt;
    if (is_valid_name(name)) names.emplace_back(name);
  }
  return names;
}

void append_answer(std::string& out, std::string_view data) {
  char size[kAnswerSizeBytes];
  store_big(size, static_cast<std::uint32_t>(data.size()));
  out.append(size, sizeof size).append(data);
}

AnswerReader::Reading AnswerReader::read(std::string_view input) const {
  if (input.size() < kAnswerSizeBytes) return {};
  const auto size = load_big<std::int32_t>(input.data());
  if (size < 0 || static_cast<std::size_t>(size) > limit_bytes_) return {Outcome::BadSize};
  const std::size_t end = kAnswerSizeBytes + static_cast<std::size_t>(size);
  if (input.size() < end) return {};
  return {Outcome::Answer, input.substr(kAnswerSizeBytes, end - kAnswerSizeBytes), end};
}

}  // namespace nsq::protocol
