#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <string>
#include <vector>

#include "base/instant.h"
#include "broker/broker.h"
#include "daemon/options.h"
#include "daemon/statsd_report.h"

namespace nsq::daemon {

// Tells a statsd, over UDP and every --statsd-interval, how topics and channels do. The datagrams
// of one report are sent evenly over the interval but its last second, so that none are lost for
// coming all at once. The name is resolved for every report; what cannot be sent is lost.
//
// Threading: confined to its loop, which should be one where a report of ten thousand channels
// holds up nobody, and ends before this goes.
class Statsd {
 public:
  // `broker` and `options`, with every default filled in, outlive it.
  Statsd(asio::io_context& loop, broker::Broker& broker, const Options& options);

  // Begins; the first report comes after one interval. Before the loop runs, or on it.
  void start();

 private:
  asio::awaitable<void> run();
  asio::awaitable<void> send(std::vector<std::string> packets);

  asio::io_context& loop_;
  broker::Broker& broker_;
  const Options& options_;
  const Duration interval_;
  StatsdReport report_;
};

}  // namespace nsq::daemon
