#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace nsq::bench {

// Pub: publish only. Sub: consume a backlog. PubSub: both at once. Latency: publish at a fixed
// rate and time each message's way to its consumer.
enum class Mode { Pub, Sub, PubSub, Latency };

struct Options {
  Mode mode = Mode::PubSub;
  std::string host = "127.0.0.1";
  std::uint16_t port = 4150;
  std::string topic;  // by default a fresh one
  std::string channel = "bench";
  int publishers = 2;  // connections, each with a thread of its own
  int consumers = 2;
  int channels = 1;  // consumers are dealt out to them in turn; each channel gets every message
  std::size_t body_bytes = 200;
  int batch = 200;  // messages per MPUB; 1 publishes with PUB
  int window = 0;   // unanswered publish commands per connection; 0 chooses by batch
  int ready_count = 2500;
  std::uint64_t count = 4'000'000;             // messages published in all (Sub: consumed)
  double rate = 1000;                          // Latency: messages per second
  std::chrono::milliseconds duration{10'000};  // Latency: how long; elsewhere a limit on silence
  int pid = 0;                                 // the daemon, to report what it used
  bool json = false;
};

// Reads the command line. Prints help, or what is wrong with it, and returns nothing when there is
// nothing to run; `exit_code` then says how to end.
std::optional<Options> parse_options(int argc, char** argv, int& exit_code);

const char* mode_name(Mode mode);

}  // namespace nsq::bench
