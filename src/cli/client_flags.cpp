#include "cli/client_flags.h"

#include <fmt/format.h>

namespace nsq::cli {

void add_source(FlagTable& flags, utilities::Source& source) {
  flags.add("nsqd-tcp-address", source.nsqd_tcp_address, "host:port", "a daemon")
      .add("lookupd-http-address", source.lookupd_http_address, "host:port",
           "a lookupd that knows the daemons, instead");
}

void add_client_options(FlagTable& flags, std::string name, Config& config) {
  const auto set = [&config](std::string_view text) {
    const std::size_t comma = text.find(',');
    if (comma == std::string_view::npos) return config.set(text, "true");
    return config.set(text.substr(0, comma), text.substr(comma + 1));
  };
  flags.add_row(
      std::move(name), Kind::Special, "name,value", "",
      "an option of the client library, such as tls_v1,true (for which tls_v1 will do) or "
      "auth_secret,SECRET; docs/utilities.md names them; may be given several times",
      set);
}

}  // namespace nsq::cli
