#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "nsq/client_error.h"
#include "nsq/result.h"

namespace nsq {

namespace client {
struct Batch;
class Worker;
}  // namespace client

// Whether a requeue counts as a failure that slows the whole consumer down.
enum class Backoff { Yes, No };

// One delivery of a message, to be answered once: finished, or put back.
//
// A handler gets a reference. A copy, or what is moved out of that reference, may be kept after the
// handler has returned, answered from any thread, and may outlive the connection and the consumer;
// answers then go nowhere, and the daemon delivers the message again after its timeout. A message
// that is kept keeps the memory it was received in: up to 256 KiB, or what itself takes.
//
// Threading: answering is shared: whoever is first wins, in whatever thread. A Message object
// itself belongs to one thread at a time; copies are independent. No call blocks.
class Message {
 public:
  Message(const Message& other) noexcept;
  Message(Message&& other) noexcept;
  Message& operator=(Message other) noexcept;
  ~Message();

  // The views are valid as long as this object or a copy of it is.
  std::string_view body() const;
  std::string_view id() const;  // 16 characters, unchanged when the message comes again
  std::chrono::sys_time<std::chrono::nanoseconds> timestamp() const;  // when it was published
  std::uint16_t attempts() const;                                     // 1 for the first delivery
  const std::string& nsqd_address() const;                            // of the daemon it came from
  const std::string& topic() const;
  const std::string& channel() const;

  // Done with it. Returns false if it was answered before.
  bool finish();
  // Back to the daemon, to be delivered again after `delay` (whole milliseconds; 0 is at once); by
  // default after default_requeue_delay x attempts, up to max_requeue_delay. Returns false if it
  // was answered before.
  bool requeue(Backoff backoff = Backoff::Yes);
  bool requeue(std::chrono::nanoseconds delay, Backoff backoff = Backoff::Yes);
  // What failing in the handler does, for a message answered later: the reason goes to the log, and
  // the message back after the default delay; it counts for backoff. Returns false if it was
  // answered before.
  bool fail(std::string_view reason);
  // Restarts the daemon's timeout. Without effect once answered.
  void touch();
  // How long the daemon waits for an answer, from the delivery or the last touch on; and how long
  // in all, however often it is touched. Then it delivers the message again.
  std::chrono::nanoseconds timeout() const;
  std::chrono::nanoseconds max_timeout() const;

  // From now on the end of the handler does not answer it. For messages answered later.
  void disable_auto_response();
  bool is_auto_response_disabled() const;
  bool has_responded() const;

 private:
  friend class client::Worker;
  Message(client::Batch* batch, std::uint32_t index) : batch_(batch), index_(index) {}
  bool requeue_with(std::int64_t delay_ms, Backoff backoff);

  client::Batch* batch_;
  std::uint32_t index_;
  bool owns_ = false;  // a part of the batch's count of references
};

// What a handler returns when it could not deal with a message.
inline Error failure(std::string reason) {
  return Error(ClientErrc::HandlerFailed, std::move(reason));
}

}  // namespace nsq
