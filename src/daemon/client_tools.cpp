#include "daemon/client_tools.h"

namespace nsq::daemon {

protocol::CommandLimits command_limits(const Options& options) {
  return {.max_msg_size = options.max_msg_size,
          .max_body_size = options.max_body_size,
          .max_rdy_count = options.max_rdy_count,
          .max_req_timeout = options.max_req_timeout,
          .max_defer_timeout = options.longest_defer()};
}

void ClientTools::clear() {
  publishes.clear();
  answers.clear();
  deliveries.clear();
  output.clear();
}

}  // namespace nsq::daemon
