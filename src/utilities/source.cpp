#include "utilities/source.h"

namespace nsq::utilities {

std::optional<std::string> find_mistake(const Source& source) {
  const bool has_daemons = !source.nsqd_tcp_address.empty();
  const bool has_lookupds = !source.lookupd_http_address.empty();
  if (!has_daemons && !has_lookupds) {
    return "--nsqd-tcp-address or --lookupd-http-address required";
  }
  if (has_daemons && has_lookupds) {
    return "use --nsqd-tcp-address or --lookupd-http-address not both";
  }
  return std::nullopt;
}

Result<void> connect(Consumer& consumer, const Source& source) {
  if (!source.lookupd_http_address.empty()) {
    return consumer.connect_to_lookupds(source.lookupd_http_address);
  }
  return consumer.connect_to_nsqds(source.nsqd_tcp_address);
}

}  // namespace nsq::utilities
