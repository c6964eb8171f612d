#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/instant.h"
#include "protocol/command.h"

namespace nsq::daemon {

// A picture of one client, for /stats and its like. What the client does on its channel is in the
// broker's SubscriptionStats.
struct ClientInfo {
  struct TopicCount {
    std::string topic;
    std::uint64_t count = 0;
  };

  std::string client_id{};
  std::string hostname{};
  std::string user_agent{};
  std::string remote_address{};
  std::string topology_region{};
  std::string topology_zone{};
  protocol::ConnectionState state = protocol::ConnectionState::Init;
  Timestamp connected{};
  int sample_rate = 0;
  bool authed = false;
  std::string auth_identity{};
  std::string auth_identity_url{};
  bool tls = false;
  std::string tls_cipher_suite{};  // this and the next two are empty without TLS
  std::string tls_version{};
  std::string tls_negotiated_protocol{};
  bool deflate = false;
  bool snappy = false;
  // What it has published since it connected, by topic. Empty for a client that only
  // consumes.
  std::vector<TopicCount> pub_counts{};
};

}  // namespace nsq::daemon
