#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "nsq/result.h"

namespace nsq {

enum class BackoffStrategy {
  Exponential,  // backoff_multiplier x 2^level
  FullJitter,   // anything from 0 to that
};

// The knobs of consumers and producers: a plain value, copied when one is made. Names, defaults and
// bounds are those of NSQ's other clients; what is marked "ours" exists only here.
//
// A value out of its bounds is reported, by its name, when the consumer or producer is made, or by
// `validate`. Durations are limited as noted in [ ].
struct Config {
  using Duration = std::chrono::nanoseconds;

  // Connections.
  Duration dial_timeout = std::chrono::seconds(1);   // to connect
  Duration read_timeout = std::chrono::seconds(60);  // of silence; [100ms, 5m]
  Duration write_timeout = std::chrono::seconds(1);  // without a byte being taken; [100ms, 5m]
  std::string local_addr{};                          // source ip:port; port 0 is any
  Duration heartbeat_interval = std::chrono::seconds(30);  // asked of the daemon; at most
                                                           // read_timeout; -1ns for none, which
                                                           // only a producer can do with
  std::string client_id{};        // empty: the host's name up to the first dot
  std::string hostname{};         // empty: the host's name
  std::string user_agent{};       // "program/version"; this library's own follows it
  std::int64_t max_msg_size = 0;  // bytes of a message; longer ones end the connection; 0: 256 MiB
  std::int64_t output_buffer_size = 16'384;  // bytes of the daemon's buffer; -1 for none
  Duration output_buffer_timeout = std::chrono::milliseconds(250);  // of its flush; -1ns for none
  std::string topology_region{};
  std::string topology_zone{};

  // Discovery and reconnecting.
  Duration lookupd_poll_interval = std::chrono::seconds(60);  // [10ms, 5m]; also the longest wait
                                                              // before a daemon is tried again
  double lookupd_poll_jitter = 0.3;                           // [0, 1], of the interval
  Duration lookupd_poll_timeout = std::chrono::minutes(1);    // of one question
  Duration reconnect_delay = std::chrono::seconds(1);  // ours: before the first new attempt; then
                                                       // doubled each time; [1ms, 5m]

  // Consuming.
  std::int64_t max_in_flight = 1;  // messages received and unanswered, over all connections;
                                   // at least one per daemon is advisable
  Duration msg_timeout{0};         // the daemon's patience with a message; 0: its default
  std::int64_t sample_rate = 0;    // percent of messages to receive, [0, 99]; 0: all
  std::int64_t max_attempts = 5;   // give up above this, [0, 65535]; 0: never
  Duration default_requeue_delay = std::chrono::seconds(90);  // times attempts; [0, 60m]
  Duration max_requeue_delay = std::chrono::minutes(15);      // and at most this; [0, 60m]
  BackoffStrategy backoff_strategy = BackoffStrategy::Exponential;
  Duration backoff_multiplier = std::chrono::seconds(1);         // [0, 60m]
  Duration max_backoff_duration = std::chrono::minutes(2);       // [0, 60m]; 0: no backoff at all
  Duration low_rdy_idle_timeout = std::chrono::seconds(10);      // [1s, 5m]
  Duration low_rdy_timeout = std::chrono::seconds(30);           // [1s, 5m]
  Duration rdy_redistribute_interval = std::chrono::seconds(5);  // [1ms, 5s]
  Duration stop_timeout = std::chrono::seconds(30);  // ours: how long stopping waits; [0, 1h]

  // Publishing; all ours.
  Duration publish_timeout = std::chrono::seconds(60);  // without any answer; [100ms, 1h]
  std::int64_t max_pending = 10'000;                    // unanswered publishes per daemon, >= 1
  std::int64_t max_pending_bytes = 64 << 20;            // of commands not yet sent, per daemon
  bool fail_when_full = false;  // a publish beyond those fails; otherwise it waits

  // TLS, compression, authentication. PEM paths; none of them switches TLS on.
  bool tls_v1 = false;
  std::string tls_cert{};
  std::string tls_key{};
  std::string tls_root_ca_file{};  // instead of the system's authorities
  bool tls_insecure_skip_verify = false;
  std::string tls_min_version = "tls1.2";  // tls1.0 to tls1.3
  bool snappy = false;
  bool deflate = false;
  std::int64_t deflate_level = 6;  // [1, 9]
  std::string auth_secret{};
  bool skip_lookupd_authorization = true;  // as upstream, true means: do send it to lookupd

  // Sets one option from text, as command lines give it; '-' and '_' are the same. Durations are
  // like "1m30s", booleans true and false.
  // Errors: InvalidOption, with "invalid option NAME", "failed to coerce option NAME (VALUE) -
  // REASON" or "invalid NAME ! VALUE < MIN"; nothing is changed then.
  Result<void> set(std::string_view name, std::string_view value);

  // Whether the values, and combinations of them, make sense.
  // Errors: InvalidOption, naming the first that does not.
  Result<void> validate() const;
};

}  // namespace nsq
