#pragma once

#include <chrono>

#include "base/instant.h"
#include "http/request_parser.h"

namespace nsq::http {

// What a server puts up with. The times are generous: the original has none, and a client that is
// merely slow must not notice them.
struct ServerOptions {
  ParserLimits parser = {};
  // Answers waiting to be sent before no further pipelined request is looked at.
  std::size_t output_bytes = 1 << 20;
  // Connections above this are closed as they come.
  std::size_t connections = 100'000;

  Duration idle_timeout = std::chrono::minutes(30);   // between requests
  Duration head_timeout = std::chrono::minutes(1);    // from a head's first byte to its last
  Duration body_timeout = std::chrono::minutes(1);    // without a byte of the body
  Duration write_timeout = std::chrono::minutes(1);   // without a byte of the answer taken
  Duration linger_timeout = std::chrono::seconds(5);  // for the client to read a last answer
};

}  // namespace nsq::http
