#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "broker/health.h"
#include "broker/schedule.h"
#include "nsq/result.h"
#include "storage/file_system.h"
#include "storage/work_queue.h"

namespace nsq::broker {

// Room on the disk that is kept back by a file of zeros, so that journals can be written when the
// disk is full: without them nothing that is finished could be removed, and a disk that the
// messages themselves have filled would stay full.
//
// Once a write finds no room the reserve is given up, and no message is taken until it is back:
// what consumers free must not be filled again before. It is tried every second, so that the daemon
// resumes, and says so, without being asked.
//
// Threading: shared; the order of its locks is in docs/threads.md.
class Reserve : public Timed, public std::enable_shared_from_this<Reserve> {
 public:
  // What a reserve is given by its broker, which outlives it. 0 bytes: nothing is kept back, and
  // messages are always tried.
  struct Home {
    storage::FileSystem& files;
    storage::WorkQueue& work;
    Schedule& schedule;
    Health& health;
  };
  Reserve(std::string path, std::uint64_t bytes, const Home& home);

  // Whether an error says that there is no room on the disk, or none within a quota.
  static bool is_full(const Error& error);

  // Takes the room, if it is there. Blocks on the disk.
  void hold(Moment now);
  // To be called with the error of a write, whatever it is; if the disk is full, gives up the
  // reserve. Says whether it did, so that trying again makes sense. Blocks on the disk.
  bool give_up(const Error& error, Moment now);
  // Whether messages may be written; if not, refusal() is why.
  bool held() const;
  Error refusal() const;

  Instant advance(Moment now) override;

 private:
  Result<void> take_room();

  const std::string path_;
  const std::uint64_t bytes_;
  const Home home_;

  mutable Mutex mutex_;
  bool held_ NSQ_GUARDED_BY(mutex_) = true;
  Error refusal_ NSQ_GUARDED_BY(mutex_){std::error_code(), ""};
  Mutex file_mutex_;  // held while the file is changed, I/O included
};

}  // namespace nsq::broker
