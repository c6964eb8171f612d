#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "base/instant.h"

namespace nsq::lookupd {

// Everything that can be set, with its default. Names are the original's.
struct Options {
  std::string tcp_address = "0.0.0.0:4160";   // for daemons
  std::string http_address = "0.0.0.0:4161";  // for everybody else
  std::string broadcast_address;              // told to daemons; empty: the host's name

  // A producer not heard from for so long is left out of answers.
  Duration inactive_producer_timeout = std::chrono::minutes(5);
  // How long a tombstone hides a producer from its topic.
  Duration tombstone_lifetime = std::chrono::seconds(45);

  std::string log_level = "info";
  std::string log_prefix = "[nsqlookupd] ";
};

// What a lookupd puts up with from its peers. The original has no limits; these are far above what
// daemons do.
struct Limits {
  std::size_t connections = 20'000;     // of daemons
  std::size_t line_bytes = 16'384;      // of a command, its newline included
  std::size_t identify_bytes = 16'384;  // of a daemon's introduction
  std::size_t registrations_per_peer = 1'000'000;
  std::size_t names = 1'000'000;                        // topics and channels known, altogether
  Duration greeting_timeout = std::chrono::minutes(1);  // until a connection has said its IDENTIFY
  // Without a word from an introduced daemon, beyond the time after which it is inactive anyway.
  Duration silence_timeout = std::chrono::minutes(10);
  Duration write_timeout = std::chrono::seconds(30);  // without a byte of an answer taken
};

}  // namespace nsq::lookupd
