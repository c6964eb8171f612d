#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "storage/journal.h"
#include "storage/message_log.h"
#include "support/log_fixture.h"

namespace nsq::fault {

// A story that has come out wrong.
struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The random life of one log and its journal of positions, from a seed: messages are published in
// batches, synced, finished, segments removed and rewritten, while the disk fills up and fails;
// again and again the process is killed or the power fails, and the log opened anew. After each of
// these it is checked that
//   - recovery succeeds,
//   - all that was synced and is not finished is there, after a kill all that was written,
//   - batches are there as a whole or not at all,
//   - and nothing is there that was never published.
class LogStory {
 public:
  struct Troubles {
    bool power = true;  // it fails; otherwise the process is only killed
    bool disk = false;  // it fills up and calls fail
    bool skip = true;   // restarts go on at a much higher index, as the broker's do
  };

  LogStory(std::uint64_t seed, Troubles troubles);
  // Throws a Failure.
  void run(int steps);

 private:
  struct Batch {
    storage::IndexRange range;
    std::vector<std::string> bodies;
    bool certain = true;  // acknowledged; otherwise it may have come to the disk by mistake
  };

  void step();
  void publish();
  void sync();
  void finish();
  void give_up_space();
  void rewrite();
  void trouble();
  void restart();
  void check(const storage::MessageLog::Recovery& recovery, storage::Index safe_end);
  void check_reading();
  std::optional<storage::LogPosition> noted_position();
  void note_position(const storage::LogPosition& position);
  storage::Index floor() const;
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
  bool chance(double probability) { return std::bernoulli_distribution(probability)(random_); }

  std::mt19937_64 random_;
  const Troubles troubles_;
  test::LogFixture fixture_;
  std::unique_ptr<storage::Journal> journal_;

  std::vector<Batch> batches_;     // in the order they were appended
  storage::Index synced_end_ = 0;  // all that is certain and below this is on the disk
  storage::IntervalSet finished_;  // may be gone, or not
  bool sync_failed_ = false;       // the last time
  std::uint64_t published_ = 0;
};

}  // namespace nsq::fault
