#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "protocol/frame_reader.h"
#include "utilities/bench/course.h"
#include "utilities/bench/session.h"

namespace nsq::utilities {

struct ConsumeTask {
  std::int64_t ready_count = 1;
  std::uint64_t run = 0;
  bool marks = false;  // messages of this run carry marks, and their way is timed
};

// Takes messages and finishes them, as fast as they come, until the run is stopped. Requires: the
// link is subscribed.
class Consumer final : public Session {
 public:
  Consumer(std::unique_ptr<Link> link, ConsumeTask task, const Course& course, Tally& tally)
      : link_(std::move(link)), task_(task), course_(course), tally_(tally) {}

  Link& link() override { return *link_; }
  Result<void> begin(Instant now) override;
  Result<void> on_readable() override;
  Result<void> on_writable() override { return link_->send_unsent(); }
  bool wants_to_write() const override { return link_->has_unsent(); }
  bool is_done() const override { return false; }
  bool is_endless() const override { return true; }

 private:
  struct Taken {
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
    std::uint64_t redelivered = 0;
  };

  Result<Taken> take_frames(Instant now);
  Result<void> take_message(std::string_view data, Instant now, Taken& taken);
  Result<void> take_other(const protocol::Frame& frame);
  void time_message(std::string_view body, Instant now);

  const std::unique_ptr<Link> link_;
  const ConsumeTask task_;
  const Course& course_;
  Tally& tally_;
  protocol::FrameReader frames_{std::size_t{256} << 20};
  std::string commands_;  // working memory
};

}  // namespace nsq::utilities
