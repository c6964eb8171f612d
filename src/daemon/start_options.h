#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/options.h"
#include "nsq/result.h"

namespace nsq::daemon {

// Checks that the options can work, and fills in the defaults that come from the machine: the node
// id and the address told to others.
// Errors: one line for the user, in the order in which the original finds them.
Result<Options> checked_options(Options options);

// Fills in what is known once the listeners are bound: the ports told to others, and the prefix of
// statsd keys, which names them.
void fill_in_ports(Options& options, int tcp_port, int http_port);

// The permissions of Unix sockets; empty for those the umask leaves.
std::optional<unsigned> unix_socket_mode(const Options& options);

broker::Options broker_options(const Options& options);

// Where a daemon without an id of its own gets it: 0..1023, from the host's name.
std::int64_t default_node_id(std::string_view host_name);
// "nsq.%s" with "%s" as the address and port in a form statsd keys can hold, ending in '.'.
std::string expand_statsd_prefix(std::string_view prefix, std::string_view address,
                                 std::int64_t port);

}  // namespace nsq::daemon
