#pragma once

#include <string>
#include <string_view>

// How servers of one process find each other, whatever they were told to listen on.
namespace nsq::standalone {

// Where a server that listens on `listen_address` ("0.0.0.0:4160", "" or "10.0.0.7:0") is reached
// from its own machine, once `port` is bound: "127.0.0.1:4160", "10.0.0.7:41234".
std::string local_address(std::string_view listen_address, int port);

// What others are told to reach a server by, where nobody has said so: the host it listens on, if
// it listens on one alone; the machine's name, if that can be resolved here; or else 127.0.0.1,
// with a warning in the log, because a name nobody can resolve is of use to nobody. Asks the
// resolver, so it may block: for the start.
std::string broadcast_host(std::string_view listen_address);

}  // namespace nsq::standalone
