#pragma once

#include <system_error>

namespace nsq::net {

enum class NetErrc {
  NoSuchHost = 1,  // the name does not resolve
  UnknownPort,     // neither a number from 0 to 65535 nor a service's name
  TimedOut,        // our own time limit passed
  PathTooLong,     // a Unix socket's path does not fit an address
  MissingPort,     // what is meant as a host stands without a port
};
std::error_code make_error_code(NetErrc code);

// The operating system's error `number`, its text in lower case ("address already in use") as in
// the original's logs. Compares equal to the same std::errc.
std::error_code system_error(int number);

}  // namespace nsq::net

template <>
struct std::is_error_code_enum<nsq::net::NetErrc> : std::true_type {};
