#pragma once

#include <asio/awaitable.hpp>
#include <asio/basic_waitable_timer.hpp>
#include <asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "admin/answer.h"
#include "base/instant.h"

namespace nsq::admin {

// Keeps pages' answers for a moment, and lets those who ask for the same at the same time wait for
// one answer, so that many browsers cost one round of questions.
//
// Threading: confined to its loop.
class AnswerCache {
 public:
  using Work = std::function<asio::awaitable<Answer>()>;
  using Shared = std::shared_ptr<const Answer>;

  AnswerCache(asio::io_context& loop, Duration lifetime) : loop_(loop), lifetime_(lifetime) {}

  // The answer kept under `key`, or what `work` gives. Exceptions of `work` go to whom it was done
  // for; others who waited do it themselves.
  asio::awaitable<Shared> get(std::string key, Work work);

  // Questions answered from the cache, those that waited for another's answer included; and those
  // that caused work.
  std::uint64_t hits() const { return hits_; }
  std::uint64_t misses() const { return misses_; }

  // After a change: what was asked before it does not count any more, also if it is still to come.
  void forget_all();

 private:
  using Timer = asio::basic_waitable_timer<std::chrono::steady_clock>;
  struct Entry {
    Shared answer{};  // null while it is being found
    Instant expires{};
    std::shared_ptr<Timer> ready{};  // cancelled when it is there, or will not be
  };

  void drop_expired();

  asio::io_context& loop_;
  const Duration lifetime_;
  std::uint64_t hits_ = 0;
  std::uint64_t misses_ = 0;
  std::map<std::string, std::shared_ptr<Entry>> entries_;
};

}  // namespace nsq::admin
