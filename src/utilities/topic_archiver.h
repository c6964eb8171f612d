#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/instant.h"
#include "base/mutex.h"
#include "nsq/consumer.h"
#include "nsq/result.h"
#include "utilities/archive.h"
#include "utilities/source.h"

namespace nsq::utilities {

// Archives one topic: a consumer, and a thread that writes what it receives, so that nothing but
// this thread ever waits for the disk.
//
// A message is finished when it is on the disk, never before. Until then it is kept, and touched in
// time; as many as max_in_flight of them. The archive is synced every `sync_interval`, when that
// many are kept, when a daemon will send no more before some are finished, when a file was opened,
// and at the end.
//
// When the disk is full, what is not on it is cut off the file and given back to the daemons, with
// backoff: the consumer then tries one message from time to time, and goes on when there is room.
//
// Threading: shared; `finish` is for the owner.
class TopicArchiver {
 public:
  struct Setup {
    std::string topic;
    std::string channel;
    Config consumer;
    Source source;
    Duration sync_interval{0};
    // On the thread, once: the archive cannot go on. Nothing is received or finished any more.
    std::function<void(const Error& error)> on_failure;
    Logging logging;
  };

  // Connects. Errors: those of Consumer; by lookupds only what is wrong with their addresses.
  static Result<std::unique_ptr<TopicArchiver>> start(Setup setup,
                                                      std::unique_ptr<Archive> archive);
  ~TopicArchiver();
  TopicArchiver(const TopicArchiver&) = delete;
  TopicArchiver& operator=(const TopicArchiver&) = delete;

  // Ends the file; the next message opens one again, which may be one of the same name.
  void reopen();
  // Begins to stop: no more messages are asked for; those received are written and finished.
  void stop();
  // Stops, and waits for the end, at which the file is ended too. False if something could not be
  // written; it has been given back, or comes again by itself.
  bool finish();

 private:
  struct Kept {
    Message message;
    Instant since;
    Instant touched;
  };
  struct Work {
    std::vector<Message> messages;
    bool reopens = false;
    bool stops = false;
    bool ends = false;
  };

  TopicArchiver(Setup setup, std::unique_ptr<Archive> archive);
  Result<void> connect();

  void on_messages(std::span<Message> messages);
  void run();
  Work wait_for_work(Instant deadline);
  Instant next_deadline() const;
  Instant next_touch() const;
  Instant longest_kept_until() const;
  Result<void> do_work(Work& work, Moment now);
  Result<void> write(std::vector<Message>& messages, Moment now);
  Result<void> sync();
  bool is_sync_urgent(Instant now) const;
  void finish_synced();
  void touch(Instant now);
  void on_error(const Error& error);
  void give_back();

  const Setup setup_;
  const std::string subject_;  // "[topic/channel]"

  // The thread's own.
  std::unique_ptr<Archive> archive_;
  std::deque<Kept> kept_;               // in the order they were added to the archive
  std::uint64_t finished_ = 0;          // of the archive's records
  Duration timeout_ = Duration::max();  // the least of any daemon so far
  Duration max_timeout_ = Duration::max();
  Instant next_tick_;
  bool wants_sync_ = false;
  bool wants_reopening_ = false;
  bool lacks_room_ = false;
  bool has_failed_ = false;

  Mutex mutex_;
  std::condition_variable_any changed_;
  Work work_ NSQ_GUARDED_BY(mutex_);

  std::optional<Consumer> consumer_;  // calls us: gone before the rest
  std::thread thread_;
};

}  // namespace nsq::utilities
