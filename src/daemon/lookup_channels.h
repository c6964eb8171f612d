#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/instant.h"
#include "broker/broker.h"

namespace nsq::daemon {

// Finds out which channels a new topic has elsewhere in the cluster, makes them, and starts the
// topic: a channel that exists anywhere gets the very first message published here. However the
// lookupds behave, a topic is started when its time is up.
//
// Threading: confined to its loop.
class LookupChannels : public std::enable_shared_from_this<LookupChannels> {
 public:
  struct Home {
    asio::io_context& loop;
    broker::Broker& broker;
    Duration connect_limit;
    Duration limit;  // for a topic, from when it was made
    // Whether it is known whom to ask: every lookupd has been tried.
    std::function<bool()> is_settled;
    // "host:port" of the lookupds' HTTP.
    std::function<std::vector<std::string>()> addresses;
  };

  explicit LookupChannels(Home home) : home_(std::move(home)) {}

  // Takes care of a topic that is held.
  void prepare(std::shared_ptr<broker::Topic> topic);
  // Whom to ask may be known now.
  void on_news();

 private:
  struct Waiting {
    std::shared_ptr<broker::Topic> topic;
    Instant deadline;
  };
  // One question to several lookupds.
  struct Inquiry {
    std::size_t unanswered = 0;
    std::set<std::string> channels;
    asio::steady_timer* done = nullptr;  // cancelled with the last answer; null once given up
  };

  void start_some();
  static asio::awaitable<void> prepare_one(std::shared_ptr<LookupChannels> self, Waiting waiting);
  asio::awaitable<void> wait_until_settled(Instant deadline);
  asio::awaitable<void> ask_all(const broker::Topic& topic, Instant deadline);
  asio::awaitable<void> ask_one(std::string address, std::string topic,
                                std::shared_ptr<Inquiry> inquiry);

  const Home home_;
  std::deque<Waiting> waiting_;
  std::size_t under_way_ = 0;
  std::set<asio::steady_timer*> unsettled_;  // those who wait for that
};

}  // namespace nsq::daemon
