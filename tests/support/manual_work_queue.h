#pragma once

#include <array>
#include <deque>
#include <functional>

#include "storage/work_queue.h"

namespace nsq::test {

// Storage work that is done when the test says so.
//
// Threading: confined to the test's thread.
class ManualWorkQueue final : public storage::WorkQueue {
 public:
  static constexpr std::size_t kLanes = 6;

  void submit(Lane lane, std::function<void()> work) override {
    lanes_[static_cast<std::size_t>(lane)].push_back(std::move(work));
  }

  // Does the oldest piece of work of a lane; false if there is none.
  bool run_one(std::size_t lane) {
    if (lanes_[lane].empty()) return false;
    auto work = std::move(lanes_[lane].front());
    lanes_[lane].pop_front();
    work();
    return true;
  }
  std::size_t waiting(std::size_t lane) const { return lanes_[lane].size(); }
  // Everything, and what that brings about.
  void run_all() {
    for (bool any = true; any;) {
      any = false;
      for (std::size_t lane = 0; lane < kLanes; ++lane) any = run_one(lane) || any;
    }
  }
  // What a crash does to it.
  void forget_all() {
    for (auto& lane : lanes_) lane.clear();
  }

 private:
  std::array<std::deque<std::function<void()>>, kLanes> lanes_;
};

}  // namespace nsq::test
