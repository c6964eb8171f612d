#pragma once

#include <asio/awaitable.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "admin/answer.h"
#include "admin/notifications.h"
#include "cluster/cluster.h"
#include "nsq/result.h"

namespace nsq::admin {

// What the body of an action says; what it does not say is empty.
struct ActionBody {
  std::string action{};
  std::string topic{};
  std::string channel{};
  // Of publishing.
  std::string node{};
  std::string body{};
  std::int64_t defer_ms = 0;
  bool split = false;  // one message per line
};

// A JSON object; keys in any letter case, unknown ones ignored; null is an empty one.
// Errors: the context says what is wrong; "EOF" for an empty body.
Result<ActionBody> parse_action(std::string_view json);

// What changes the cluster. Each answers 200 also if some of the servers failed: the "message" then
// says which.
//
// Threading: confined to the cluster's loop.
class Actions {
 public:
  // Both outlive it.
  Actions(cluster::Cluster& cluster, Notifications& notifications)
      : cluster_(cluster), notifications_(notifications) {}

  asio::awaitable<Answer> create(ActionBody what, Actor actor);
  // `channel` is empty for the topic itself.
  asio::awaitable<Answer> act(std::string topic, std::string channel, ActionBody what, Actor actor);
  asio::awaitable<Answer> remove(std::string topic, std::string channel, Actor actor);
  // Takes a topic from one node: hides it there, and deletes it.
  asio::awaitable<Answer> tombstone(std::string node, ActionBody what, Actor actor);
  // Puts messages into a topic, on the node given or on the first that takes them.
  asio::awaitable<Answer> publish(ActionBody what, Actor actor);

 private:
  asio::awaitable<Result<std::vector<std::string>>> nodes_for(std::string topic,
                                                              std::vector<std::string>& errors);
  asio::awaitable<Result<std::vector<std::string>>> nodes_to_publish(const ActionBody& what);

  cluster::Cluster& cluster_;
  Notifications& notifications_;
};

}  // namespace nsq::admin
