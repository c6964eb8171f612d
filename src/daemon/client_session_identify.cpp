// IDENTIFY: who the client is, what it gets, and what its bytes travel in from then on.

#include <utility>

#include "base/assert.h"
#include "daemon/client_session.h"
#include "daemon/version.h"
#include "net/deflate_layer.h"
#include "net/snappy_layer.h"

namespace nsq::daemon {

using protocol::Command;
using protocol::ErrorCode;

std::unique_ptr<net::Layer> ClientSession::Upgrade::make_compression() const {
  if (snappy) return std::make_unique<net::SnappyLayer>();
  if (deflate) return std::make_unique<net::DeflateLayer>(deflate_level);
  return nullptr;
}

void ClientSession::on_identify(const Command& command, const Turn& turn) {
  const auto request = protocol::parse_identify(command.body);
  if (!request) return fail(protocol::identify_decode_error(), turn.output);
  const protocol::IdentifyLimits limits{
      .max_heartbeat_interval = options_.max_heartbeat_interval,
      .min_output_buffer_timeout = options_.min_output_buffer_timeout,
      .max_output_buffer_timeout = options_.max_output_buffer_timeout,
      .max_output_buffer_size = options_.max_output_buffer_size,
      .max_msg_timeout = options_.max_msg_timeout};
  if (const auto error = protocol::apply_identify(*request, limits, settings_))
    return fail(*error, turn.output);
  note_identity(*request);
  if (!request->feature_negotiation) return turn.output.append(protocol::kOkFrame);
  upgrade_ = agree(*request);
  if (upgrade_.snappy && upgrade_.deflate)
    return fail({ErrorCode::IdentifyFailed, "cannot enable both deflate and snappy compression"},
                turn.output);
  turn.output.append_response(identify_reply());
  if (upgrade_.tls || upgrade_.snappy || upgrade_.deflate) progress_ = Progress::Upgrading;
}

void ClientSession::note_identity(const protocol::IdentifyRequest& request) {
  Lock lock(info_mutex_);
  info_.client_id = request.client_id;
  info_.hostname = request.hostname;
  info_.user_agent = request.user_agent;
  info_.topology_region = request.topology_region;
  info_.topology_zone = request.topology_zone;
  info_.sample_rate = settings_.sample_rate;
}

// What the client's bytes travel in already is not begun again, and TLS not within a compression.
ClientSession::Upgrade ClientSession::agree(const protocol::IdentifyRequest& request) const {
  return {.tls = request.tls_v1 && tools_.tls != nullptr && !has_tls_ && !has_compression_,
          .snappy = request.snappy && options_.snappy && !has_compression_,
          .deflate = request.deflate && options_.deflate && !has_compression_,
          .deflate_level = static_cast<int>(protocol::effective_deflate_level(
              request.deflate_level, options_.max_deflate_level))};
}

std::string ClientSession::identify_reply() const {
  return protocol::encode_identify_reply({.max_rdy_count = options_.max_rdy_count,
                                          .version = version(),
                                          .max_msg_timeout = options_.max_msg_timeout,
                                          .msg_timeout = settings_.msg_timeout,
                                          .tls_v1 = upgrade_.tls,
                                          .deflate = upgrade_.deflate,
                                          .deflate_level = upgrade_.deflate_level,
                                          .max_deflate_level = options_.max_deflate_level,
                                          .snappy = upgrade_.snappy,
                                          .sample_rate = settings_.sample_rate,
                                          .auth_required = auth_ != nullptr,
                                          .output_buffer_size = settings_.output_buffer_size,
                                          .output_buffer_timeout = settings_.output_buffer_timeout,
                                          .topology_region = options_.topology_region,
                                          .topology_zone = options_.topology_zone});
}

void ClientSession::on_tls_started(const net::TlsInfo& info, ClientOutput& output) {
  NSQ_ASSERT(progress_ == Progress::Upgrading);
  has_tls_ = true;
  if (auth_ != nullptr) {
    auth_->question.tls = true;
    auth_->question.common_name = info.peer_common_name;
  }
  {
    Lock lock(info_mutex_);
    info_.tls = true;
    info_.tls_cipher_suite = info.cipher_suite;
    info_.tls_version = info.version;
    info_.tls_negotiated_protocol = info.negotiated_protocol;
  }
  output.append(protocol::kOkFrame);
}

void ClientSession::on_compression_started(ClientOutput& output) {
  NSQ_ASSERT(progress_ == Progress::Upgrading);
  has_compression_ = true;
  {
    Lock lock(info_mutex_);
    info_.snappy = upgrade_.snappy;
    info_.deflate = upgrade_.deflate;
  }
  output.append(protocol::kOkFrame);
}

void ClientSession::on_upgraded() {
  NSQ_ASSERT(progress_ == Progress::Upgrading);
  progress_ = Progress::Open;
}

}  // namespace nsq::daemon
