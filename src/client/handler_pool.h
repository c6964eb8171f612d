#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include "base/instant.h"
#include "base/mutex.h"
#include "client/answers.h"
#include "client/client_log.h"
#include "client/delivery.h"
#include "nsq/consumer.h"

namespace nsq::client {

// What handlers get to see and do. Immutable.
struct HandlerSetup {
  Handler handler;
  BatchHandler batch_handler;
  std::function<bool(Message&)> on_giving_up;
  std::function<void(std::size_t, std::size_t, std::chrono::nanoseconds)> on_handled;
  std::size_t concurrency = 1;
  std::int64_t max_attempts = 0;
  std::shared_ptr<const ClientLog> log;
};

// The threads that run a consumer's handlers. They take messages in slices: of one where handlers
// are slow, so that no message waits behind another one while there is an idle worker, and of many
// where they are fast, so that the lock and the wake-up are shared by all of them.
//
// Threading: shared.
class HandlerPool {
 public:
  HandlerPool(HandlerSetup setup, std::shared_ptr<Answers> answers);
  // Ends and joins: waits for handlers to return.
  ~HandlerPool();
  HandlerPool(const HandlerPool&) = delete;
  HandlerPool& operator=(const HandlerPool&) = delete;

  void offer(BatchRef batch);
  // Takes back what no worker has begun with.
  std::vector<Slice> take_unclaimed();
  // The slices workers are at. Some of their messages may be answered already.
  void list_current(std::vector<Slice>& slices);
  bool is_idle();
  std::uint64_t given_up() const { return given_up_.load(std::memory_order_relaxed); }

  // Workers end when there is nothing more to do.
  void end();
  // Whether they have ended by then.
  bool wait_ended(Instant deadline);

 private:
  friend class Worker;

  // The next slice; empty when it is time to end. Puts down `done` first.
  Slice next(std::size_t worker, Slice done, std::uint32_t wanted);
  Slice claim(std::uint32_t wanted) NSQ_REQUIRES(mutex_);
  void worker_ended();

  const HandlerSetup setup_;
  const std::shared_ptr<Answers> answers_;
  std::atomic<std::uint64_t> given_up_{0};

  Mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<BatchRef> queue_ NSQ_GUARDED_BY(mutex_);
  std::vector<Slice> current_ NSQ_GUARDED_BY(mutex_);  // by worker
  std::size_t waiting_ NSQ_GUARDED_BY(mutex_) = 0;
  std::size_t running_ NSQ_GUARDED_BY(mutex_) = 0;
  bool ending_ NSQ_GUARDED_BY(mutex_) = false;

  std::vector<std::thread> threads_;
};

}  // namespace nsq::client
