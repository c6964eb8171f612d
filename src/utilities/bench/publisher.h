#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "utilities/bench/answers.h"
#include "utilities/bench/commands.h"
#include "utilities/bench/course.h"
#include "utilities/bench/session.h"

namespace nsq::utilities {

// What one publishing connection is to do.
struct PublishTask {
  std::uint64_t commands = UINT64_MAX;  // at most; fewer if the course ends sending before
  // At a rate, commands are due at `first` after the start and then each `interval`, whether or not
  // earlier ones were answered. Without one (0) a command is sent as soon as there is room for it.
  Duration first{0};
  Duration interval{0};
  std::size_t window = 1;  // unanswered commands, at most; no more than the block has
  std::uint64_t run = 0;   // marks messages that are sent at a rate
  bool marks = false;
};

// Publishes, with a limited number of unanswered commands. At a rate, a command that
// finds the window full or the socket blocked goes out late; its latency counts from when it was
// due all the same, so that a daemon which stalls is charged for all that had to wait.
class Publisher final : public Session {
 public:
  Publisher(std::unique_ptr<Link> link, std::unique_ptr<AnswerReader> answers, CommandBlock block,
            PublishTask task, const Course& course, Tally& tally);

  Link& link() override { return *link_; }
  Result<void> begin(Instant now) override;
  Result<void> on_readable() override;
  Result<void> on_writable() override { return write(); }
  bool wants_to_write() const override { return link_->has_unsent() || unwritten_bytes_ > 0; }
  Instant next_due() const override;
  Result<void> on_due(Instant now) override;
  bool is_done() const override { return to_send_ == 0 && unanswered_ == 0; }

 private:
  bool has_rate() const { return task_.interval > Duration::zero(); }
  void queue_commands(Instant now);
  void queue_command(Instant begun);
  void note_answers(std::size_t count, Instant now);
  Result<void> write();
  Result<bool> write_block();

  const std::unique_ptr<Link> link_;
  const std::unique_ptr<AnswerReader> answers_;
  CommandBlock block_;
  const PublishTask task_;
  const Course& course_;
  Tally& tally_;

  std::uint64_t to_send_;
  Instant due_;                   // of the next command, at a rate
  std::vector<Instant> begun_;    // when each command of the block was sent last, or was due
  std::size_t next_ = 0;          // command of the block to be queued next
  std::size_t unanswered_ = 0;    // the ones before it
  std::size_t unwritten_at_ = 0;  // of the block's bytes, which it is a ring of
  std::size_t unwritten_bytes_ = 0;
  std::string between_;  // goes out between two commands: answers to heartbeats
};

}  // namespace nsq::utilities
