#pragma once

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

// Blocking TCP for the tests' own clients.
namespace nsq::test {

// The server is not there, went away, or said something it should not.
struct ConnectionLost : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A connected socket, which the caller closes. Throws ConnectionLost.
int connect_tcp(const std::string& host, std::uint16_t port);
// Throws ConnectionLost.
void send_all(int socket, std::string_view bytes);
// How long a read waits; zero for ever.
void set_receive_timeout(int socket, std::chrono::milliseconds timeout);

}  // namespace nsq::test
