#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "nsq/config.h"
#include "nsq/logging.h"
#include "nsq/message.h"
#include "nsq/result.h"

namespace nsq {

// What is done with a message: a function of `Message&` that returns nothing, or a Result<void>.
// When it returns success, the message is finished; failure, or an exception, puts it back and
// counts for backoff. Neither happens to a message it has answered itself, nor to one whose
// automatic answer it has disabled.
class Handler {
 public:
  Handler() = default;
  template <typename Function>
  requires std::invocable<Function&, Message&> &&(!std::same_as<Function, Handler>)
      Handler(Function function) {  // NOLINT: implicit, so that a lambda will do
    if constexpr (std::is_void_v<std::invoke_result_t<Function&, Message&>>) {
      call_ = [function = std::move(function)](Message& message) mutable -> Result<void> {
        function(message);
        return {};
      };
    } else {
      call_ = std::move(function);
    }
  }

  explicit operator bool() const { return static_cast<bool>(call_); }
  Result<void> operator()(Message& message) const { return call_(message); }

 private:
  std::function<Result<void>(Message&)> call_;
};

// The same for all the messages a worker has at hand, for handlers that write them together. On
// return, those that are neither answered nor kept back are finished; after an exception, put back.
using BatchHandler = std::function<void(std::span<Message> messages)>;

// Since the consumer was made, but for the last three, which are of the moment.
struct ConsumerStats {
  std::uint64_t messages_received = 0;
  std::uint64_t messages_finished = 0;
  std::uint64_t messages_requeued = 0;
  std::uint64_t messages_given_up = 0;  // attempts were over the limit
  std::uint64_t late_answers = 0;       // the daemon had given the message to someone else
  std::size_t connections = 0;
  std::size_t in_flight = 0;
  int backoff_level = 0;
};

// Called as things happen, for metrics. Any may be empty. They run on the library's threads, must
// not block and must not call back.
struct ConsumerObserver {
  std::function<void(const std::string& address, bool connected)> on_connection{};
  // Some messages were handled, by one worker, in `time` altogether.
  std::function<void(std::size_t messages, std::size_t failures, std::chrono::nanoseconds time)>
      on_handled{};
  // Backoff begins, goes on or (level 0) ends.
  std::function<void(int level, std::chrono::nanoseconds wait)> on_backoff{};
  // The daemon did not know the message any more: the handler was slower than the message timeout.
  // `error` is the daemon's text, which holds the message's id.
  std::function<void(const std::string& address, std::string_view error)> on_late_answer{};
};

struct ConsumerOptions {
  std::string topic{};
  std::string channel{};
  Config config{};

  Handler handler{};             // exactly one of these two
  BatchHandler batch_handler{};  //
  std::size_t concurrency = 1;   // threads that run the handler, 1 to 10,000

  // Called, on a worker, for a message with more attempts than max_attempts, instead of the
  // handler. The message is finished afterwards unless this returns false: then it is put back, and
  // comes again. Empty: it is finished.
  std::function<bool(Message& message)> on_giving_up{};
  // Chooses among the daemons that discovery finds. Runs on the I/O thread. Empty: all of them.
  std::function<std::vector<std::string>(std::vector<std::string> addresses)> discovery_filter{};

  Logging logging{};
  ConsumerObserver observer{};
};

// What stopping does with messages that no handler has begun with.
enum class Stop {
  Finish,    // they are handled
  GiveBack,  // they are put back, to be delivered to others at once
};

// A subscription to one topic and channel on any number of daemons.
//
// Messages are delivered at least once, in no particular order. Daemons are found through lookupds
// or given by address; lost ones are tried again, after growing delays, until the consumer is
// stopped. Heartbeats are answered whatever the handlers do.
//
// Threading: shared: all methods may be called from anywhere, except that `wait`, the connecting
// calls and the destructor block and must not be called from a handler or callback. Handlers run on
// the consumer's own threads; everything else on one I/O thread that all consumers and producers of
// a process share.
class Consumer {
 public:
  // Checks everything and starts the workers; connects to nothing yet.
  // Errors: InvalidOption, InvalidArgument; or why a certificate cannot be read.
  static Result<Consumer> create(ConsumerOptions options);
  static Result<Consumer> create(std::string topic, std::string channel, Handler handler,
                                 Config config = {});

  // Stops, and waits as `stop` and `wait` do.
  ~Consumer();
  Consumer(Consumer&& other) noexcept;
  Consumer& operator=(Consumer&& other) noexcept;

  // Connects to a daemon, "host:port", and waits until it has answered. After that the connection
  // is kept up: if it is lost, it is opened again after a growing delay.
  // Errors: Stopped, AlreadyConnected, or why the first attempt failed; it is not repeated then.
  Result<void> connect_to_nsqd(const std::string& address);
  // All of them at the same time. Errors: the first failure; the others stay connected.
  Result<void> connect_to_nsqds(const std::vector<std::string>& addresses);
  // Finds daemons through a lookupd, "host:port" or a URL; https needs tls_v1 or a certificate
  // option. Waits for its first answer and the
  // connections it leads to; failures of those are only logged, and tried again. An address given
  // before is left as it is.
  // Errors: Stopped, InvalidArgument (no port, or no URL).
  Result<void> connect_to_lookupd(const std::string& address);
  // The same for several, of which all are asked each time.
  Result<void> connect_to_lookupds(const std::vector<std::string>& addresses);
  // The same without waiting: what comes of it is only logged. Errors: InvalidArgument.
  Result<void> start_lookups(const std::vector<std::string>& addresses);

  // Errors: InvalidArgument, if there is no such address, or it is the last lookupd.
  Result<void> disconnect_from_nsqd(const std::string& address);
  Result<void> disconnect_from_lookupd(const std::string& address);

  // How many messages may be in flight over all connections, from now on; 0 pauses. Those already
  // in flight are not affected. Negative values count as 0.
  void change_max_in_flight(std::int64_t count);
  // Pausing asks for no more messages; connections stay. `unpause` returns to the max_in_flight set
  // before.
  void pause();
  void unpause();

  // Whether a handler that collects messages will get no more until it answers some: a connection
  // has nearly as many in flight as it may.
  bool is_starved() const;
  // Each number is right; together they may be of slightly different moments.
  ConsumerStats stats() const;

  // Begins to stop: no more messages are asked for, those received are dealt with, connections are
  // closed as their last message is answered. Returns at once; may be called from a handler. What
  // is not answered after stop_timeout is left to the daemons.
  void stop(Stop how = Stop::Finish);
  // Waits until the consumer has stopped, whoever stops it. Handlers have returned then, unless
  // they take longer than stop_timeout.
  void wait();
  // The same for at most `limit`; whether it has stopped.
  bool wait_for(std::chrono::nanoseconds limit);

 private:
  class Impl;
  explicit Consumer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace nsq
