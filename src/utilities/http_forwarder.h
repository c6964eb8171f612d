#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/instant.h"
#include "http/connection_pool.h"
#include "nsq/message.h"
#include "utilities/host_pool.h"
#include "utilities/http_target.h"
#include "utilities/timing_report.h"

namespace nsq::utilities {

// Turns messages into requests: many at the same time, over connections that are kept.
//
// A message is finished when its target has answered well. Otherwise it fails: it goes back, to
// come again after the consumer's default delay, and counts for the consumer's backoff. One that
// has to wait for its turn is touched in time.
//
// Threading: confined to its loop. Coroutines must end before it goes, or the loop with them.
class HttpForwarder {
 public:
  struct Setup {
    std::vector<HttpTarget> targets;  // at least one
    std::optional<PoolMode> mode;     // nothing: every message goes to all, one after the other
    std::size_t requests = 1;         // at the same time
    std::int64_t status_every = 0;    // requests; 0 or less for no reports
    http::ClientOptions client;
    std::function<void(std::string_view line)> report;
  };
  HttpForwarder(asio::io_context& loop, Setup setup);

  // Messages whose automatic answer is disabled.
  void forward(std::vector<Message> messages);

 private:
  struct Waiting {
    Message message;
    Instant touched;
  };
  using Place = std::list<Waiting>::iterator;

  void start_requests();
  asio::awaitable<void> deal_with(Place place);
  // What is wrong; nothing if it has arrived.
  asio::awaitable<std::optional<std::string>> send_to_one(std::string_view body);
  asio::awaitable<std::optional<std::string>> send_to_all(std::string_view body);
  asio::awaitable<std::optional<std::string>> send(std::size_t target, std::string_view body);
  void report(TimingReport& timing, Duration took);
  void touch_later();
  void touch_all(Instant now);

  asio::io_context& loop_;
  const Setup setup_;
  http::ConnectionPool connections_;
  std::optional<HostPool> pool_;
  std::vector<TimingReport> of_each_;  // empty for one target
  TimingReport of_all_;

  std::list<Waiting> waiting_;  // and under way, in the order they came
  Place next_;                  // the first without a request
  std::size_t under_way_ = 0;
  asio::steady_timer touch_timer_;
  bool is_touch_armed_ = false;
};

}  // namespace nsq::utilities
