#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "client/delivery.h"
#include "client/handler_pool.h"

namespace nsq::client {

// One thread of a pool: what happens to a message between delivery and answer.
//
// Threading: confined to its thread.
class Worker {
 public:
  Worker(HandlerPool& pool, std::size_t number) : pool_(pool), number_(number) {}
  // Until the pool ends.
  void run();

 private:
  void handle(const Slice& slice);
  void handle_one(Batch& batch, std::uint32_t index);
  void handle_together(const Slice& slice);
  bool has_too_many_attempts(const Batch& batch, std::uint32_t index) const;
  void give_up(Batch& batch, std::uint32_t index);
  void fail(Batch& batch, std::uint32_t index, std::string_view reason);
  void pace(std::size_t messages, Duration time);

  HandlerPool& pool_;
  const std::size_t number_;
  std::uint32_t wanted_ = 1;  // messages to take at a time
  std::size_t failures_ = 0;  // in this slice
  std::vector<Message> messages_;
};

}  // namespace nsq::client
