#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/instant.h"
#include "nsq/config.h"

namespace nsq::utilities {

enum class BenchMode {
  Pub,      // publish only
  Sub,      // consume what is there
  PubSub,   // both at once
  Latency,  // both, at a rate, one message at a time
  Idle,     // connections that do nothing
};

struct BenchOptions {
  BenchMode mode = BenchMode::PubSub;

  std::vector<std::string> nsqd_tcp_address;  // connections are dealt out to them in turn
  // Publish here, by HTTP requests, instead.
  std::vector<std::string> nsqd_http_address;
  std::string topic;  // empty: a fresh one
  std::string channel = "bench";

  std::int64_t size = 200;       // bytes of a message
  std::int64_t batch = 0;        // messages per publish command; 0: 200, at a rate 1
  std::int64_t connections = 2;  // publishing ones, and as many consuming ones
  std::int64_t publishers = 0;   // 0: as many as connections
  std::int64_t consumers = 0;    // likewise
  std::int64_t channels = 1;     // consumers are dealt out to them; each gets every message
  std::int64_t threads = 0;      // see the flag; 0: a good number
  std::int64_t window = 0;       // unanswered publish commands per connection; 0: a good number
  std::int64_t rdy = 2500;

  std::int64_t rate = 0;                             // messages per second in all; 0: all that goes
  std::int64_t count = 0;                            // messages in all; 0: go by the duration
  Duration duration = std::chrono::seconds(5);       // without a count
  Duration warmup = std::chrono::milliseconds(500);  // before it, not measured
  // At a rate: how long before a command is due and after it was sent the tool waits for what is to
  // come without sleeping, if that is a small part of the time.
  Duration awake = std::chrono::microseconds(150);
  Duration patience = std::chrono::seconds(10);  // with a daemon that does nothing

  Config client;  // of every connection: TLS, compression, authentication

  std::int64_t pid = 0;  // the daemon's, to report what it uses
  bool json = false;
};

// "pub", "sub", "pubsub", "latency", "idle".
std::optional<BenchMode> parse_bench_mode(std::string_view word);
std::string_view to_string(BenchMode mode);

// Puts numbers where the options leave the choice, for `bench`.
void choose_bench_defaults(BenchOptions& options);

// What makes no sense about the options, for whoever typed them. Requires: defaults are chosen.
std::optional<std::string> find_bench_mistake(const BenchOptions& options);

// Loads one or several daemons over TCP or HTTP and reports on standard output how fast that went.
// On a terminal, standard error shows how it is going. SIGINT and SIGTERM end it early.
// Returns the exit status: failure, told on standard error, when a connection was lost, an answer
// was an error or messages are missing. Requires: there is no mistake in the options.
int bench(const BenchOptions& options);

}  // namespace nsq::utilities
