#pragma once

#include <system_error>

namespace nsq::client {

enum class ClientErrc {
  Refused = 1,   // the daemon answered with an error, which is the context
  NotNsq,        // what came is not NSQ
  Silent,        // nothing came for the read timeout
  Disconnected,  // the daemon closed the connection
};
std::error_code make_error_code(ClientErrc code);

}  // namespace nsq::client

template <>
struct std::is_error_code_enum<nsq::client::ClientErrc> : std::true_type {};
