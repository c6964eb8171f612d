#include "utilities/bench/publisher.h"

#include <algorithm>
#include <utility>

#include "client/commands.h"
#include "nsq/client_error.h"

namespace nsq::utilities {
namespace {
constexpr std::size_t kEncodeBytes = std::size_t{64} << 10;  // at a time, where there are layers
}

Publisher::Publisher(std::unique_ptr<Link> link, std::unique_ptr<AnswerReader> answers,
                     CommandBlock block, PublishTask task, const Course& course, Tally& tally)
    : link_(std::move(link)),
      answers_(std::move(answers)),
      block_(std::move(block)),
      task_(task),
      course_(course),
      tally_(tally),
      to_send_(task.commands),
      due_(course.start + task.first),
      begun_(block_.commands()) {}

Result<void> Publisher::begin(Instant now) {
  return on_due(now);
}

Instant Publisher::next_due() const {
  const bool can_send = has_rate() && to_send_ > 0 && unanswered_ < task_.window;
  return can_send ? due_ : Instant::never();
}

Result<void> Publisher::on_due(Instant now) {
  queue_commands(now);
  return write();
}

Result<void> Publisher::on_readable() {
  const auto received = link_->receive();
  if (!received) return received.error();
  if (!*received) return write();
  const auto answers = answers_->take(*link_);
  if (!answers) return answers.error();
  if (answers->done > unanswered_) {
    return link_->failure(ClientErrc::NotNsq, "the daemon answered more than it was asked");
  }
  const Instant now = course_.clock();
  if (answers->done > 0) note_answers(answers->done, now);
  for (std::size_t i = 0; i < answers->heartbeats; ++i) client::append_nop(between_);
  queue_commands(now);
  return write();
}

void Publisher::queue_commands(Instant now) {
  while (to_send_ > 0 && unanswered_ < task_.window) {
    if (has_rate() && due_ > now) return;
    const Instant begun = has_rate() ? due_ : now;
    if (begun >= course_.send_until) {
      to_send_ = 0;
      return;
    }
    if (has_rate()) {
      if (begun >= course_.measure_from) tally_.lateness.add(now - begun, block_.messages);
      due_ = due_ + task_.interval;
    }
    queue_command(begun);
  }
}

void Publisher::queue_command(Instant begun) {
  if (task_.marks) put_mark(block_, next_, {begun, task_.run});
  begun_[next_] = begun;
  next_ = next_ + 1 == begun_.size() ? 0 : next_ + 1;
  ++unanswered_;
  --to_send_;
  unwritten_bytes_ += block_.command_bytes;
}

void Publisher::note_answers(std::size_t count, Instant now) {
  for (std::size_t i = 0; i < count; ++i) {
    const Instant begun = begun_[(next_ + begun_.size() - unanswered_) % begun_.size()];
    if (begun >= course_.measure_from) tally_.answers.add(now - begun);
    --unanswered_;
  }
  Tally::add(tally_.published, count * block_.messages);
  tally_.last_answer_ns.store(now.since_start().count(), std::memory_order_relaxed);
}

Result<void> Publisher::write() {
  if (auto sent = link_->send_unsent(); !sent) return sent;
  while (!link_->has_unsent()) {
    if (!between_.empty() && unwritten_at_ % block_.command_bytes == 0) {
      if (auto sent = link_->send(between_); !sent) return sent;
      between_.clear();
      continue;
    }
    if (unwritten_bytes_ == 0) break;
    const auto goes_on = write_block();
    if (!goes_on) return goes_on.error();
    if (!*goes_on) break;
  }
  return {};
}

// Writes a stretch of the block; false if the kernel takes no more.
Result<bool> Publisher::write_block() {
  std::size_t bytes = std::min(unwritten_bytes_, block_.bytes.size() - unwritten_at_);
  if (!between_.empty()) {
    bytes = std::min(bytes, block_.command_bytes - unwritten_at_ % block_.command_bytes);
  }
  if (link_->has_layers()) bytes = std::min(bytes, kEncodeBytes);
  const std::string_view stretch = std::string_view(block_.bytes).substr(unwritten_at_, bytes);
  std::size_t written = bytes;
  if (link_->has_layers()) {
    if (auto sent = link_->send(stretch); !sent) return sent.error();
  } else {
    const auto sent = link_->send_some(stretch);
    if (!sent) return sent.error();
    written = *sent;
  }
  unwritten_bytes_ -= written;
  unwritten_at_ += written;
  if (unwritten_at_ == block_.bytes.size()) unwritten_at_ = 0;
  return written == bytes;
}

}  // namespace nsq::utilities
