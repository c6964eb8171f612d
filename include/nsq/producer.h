#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nsq/client_error.h"
#include "nsq/config.h"
#include "nsq/logging.h"
#include "nsq/result.h"

namespace nsq {

// What became of a publish. ClientErrc says which failures leave it open.
using PublishResult = Result<void>;
// Runs on the I/O thread and must not block: heartbeats wait for it. It may publish, but only with
// a callback, and gets TooManyPending where another thread would wait.
using PublishCallback = std::function<void(const PublishResult& result)>;

// Which daemon a publish goes to, when there are several.
enum class Distribution {
  RoundRobin,      // each in turn
  PrimaryStandby,  // the first in the list that can be reached
};

// Since the producer was made, but for the last two, which are of the moment.
struct ProducerStats {
  std::uint64_t commands = 0;   // publishes of any kind that were answered with success
  std::uint64_t failures = 0;   // with failure
  std::uint64_t failovers = 0;  // went to another daemon than first chosen
  std::size_t pending = 0;      // unanswered
  std::size_t connections = 0;
};

// Called as things happen, for metrics. They run on the I/O thread, must not block and must not
// call back. Any may be empty.
struct ProducerObserver {
  std::function<void(const std::string& address, bool connected)> on_connection{};
  // Some publishes to one daemon were answered together.
  std::function<void(const std::string& address, std::size_t stored, std::size_t failed)>
      on_answers{};
};

struct ProducerOptions {
  std::vector<std::string> addresses{};  // of daemons, host:port; at least one
  Distribution distribution = Distribution::RoundRobin;
  Config config{};
  Logging logging{};
  ProducerObserver observer{};
};

// Publishes to one daemon, or to one of several.
//
// Connections are made by the first publish that needs them, and again by the next one after they
// were lost. Publishes are sent ahead of the answers, and those of many threads together. A daemon
// that cannot be reached is left alone for a while (reconnect_delay, growing); what was not sent
// goes to another one. What was sent and not answered never does: its failure is OutcomeUnknown.
//
// Success means that the daemon has stored the message. Nothing is ever published twice by itself.
//
// Threading: shared. The blocking calls must not be made from a callback.
class Producer {
 public:
  // Checks everything; does no I/O.
  // Errors: InvalidOption, InvalidArgument (no address); or why a certificate cannot be read.
  static Result<Producer> create(ProducerOptions options);
  static Result<Producer> create(std::string address, Config config = {});

  // Stops.
  ~Producer();
  Producer(Producer&& other) noexcept;
  Producer& operator=(Producer&& other) noexcept;

  // These wait for the daemon's answer. Bodies are copied before they return or wait.
  // Errors: see ClientErrc. With Unavailable and NotSent the blocking calls have
  // tried the other daemons as well; `publish_async` leaves that to its caller.
  PublishResult publish(std::string_view topic, std::string_view body);
  // All of them or none, in one command. The daemon limits its size (5 MiB by default).
  PublishResult multi_publish(std::string_view topic, std::span<const std::string_view> bodies);
  PublishResult multi_publish(std::string_view topic, std::span<const std::string> bodies);
  // To be delivered after `delay`, in whole milliseconds; the daemon limits it (1 h by default).
  PublishResult deferred_publish(std::string_view topic, std::chrono::nanoseconds delay,
                                 std::string_view body);

  // These return once the message is queued, and call back with the outcome, exactly once: also for
  // what is wrong from the start, then before they return. With max_pending publishes unanswered
  // they wait for room, or fail, as fail_when_full says.
  void publish_async(std::string_view topic, std::string_view body, PublishCallback done);
  void multi_publish_async(std::string_view topic, std::span<const std::string_view> bodies,
                           PublishCallback done);
  void deferred_publish_async(std::string_view topic, std::chrono::nanoseconds delay,
                              std::string_view body, PublishCallback done);

  // Connects, unless connected, to the daemon that would get the next publish.
  // Errors: NotSent, with the reason.
  Result<void> ping();

  // Each number is right; together they may be of slightly different moments.
  ProducerStats stats() const;

  // Waits until everything pending is answered, for at most stop_timeout; then closes the
  // connections, which fails the rest: the sent ones with OutcomeUnknown. Later publishes fail with
  // Stopped. From a callback it waits for nothing.
  void stop();

 private:
  class Impl;
  explicit Producer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace nsq
