#include "daemon/client_tools.h"

namespace nsq::daemon {
namespace {

constexpr std::size_t kReceivedBytes = std::size_t{64} << 10;

}  // namespace

protocol::CommandLimits command_limits(const Options& options) {
  return {.max_msg_size = options.max_msg_size,
          .max_body_size = options.max_body_size,
          .max_rdy_count = options.max_rdy_count,
          .max_req_timeout = options.max_req_timeout,
          .max_defer_timeout = options.longest_defer()};
}

std::span<char> ClientTools::received_room() {
  if (!received_) received_.reset(new char[kReceivedBytes]);
  return {received_.get(), kReceivedBytes};
}

void ClientTools::clear() {
  publishes.clear();
  answers.clear();
  deliveries.clear();
  output.clear();
}

}  // namespace nsq::daemon
