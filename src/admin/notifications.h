#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <deque>
#include <memory>
#include <string>

#include "base/instant.h"
#include "http/client.h"
#include "http/request.h"

namespace nsq::admin {

// Who did something: what a notification takes from the request, kept beyond it.
struct Actor {
  std::string user{};  // of a Basic Authorization header
  std::string remote_ip{};
  std::string user_agent{};
  std::string url{};

  static Actor of(const http::Request& request);
};

// What was done; fields that do not apply are empty.
struct Action {
  std::string name;  // "pause_channel"
  std::string topic{};
  std::string channel{};
  std::string node{};
};

std::string notification_json(const Action& action, const Actor& actor, Timestamp now,
                              const std::string& via);

// Tells an HTTP endpoint of each action, one after another, without holding anybody up. One that
// cannot be told is logged and forgotten; when too many wait, further ones are.
//
// Threading: confined to its loop, which ends before it goes.
class Notifications {
 public:
  // `endpoint`: a URL, or empty for none.
  Notifications(asio::io_context& loop, std::string endpoint, http::ClientOptions client);

  void send(const Action& action, const Actor& actor);

 private:
  asio::awaitable<void> drain();

  asio::io_context& loop_;
  const std::string endpoint_;
  const http::ClientOptions client_;
  const std::string via_;  // this host's name
  std::deque<std::string> waiting_;
  bool is_draining_ = false;
};

}  // namespace nsq::admin
