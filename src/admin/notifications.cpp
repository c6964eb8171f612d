#include "admin/notifications.h"

#include <fmt/format.h>
#include <unistd.h>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <exception>
#include <utility>

#include "admin/access.h"
#include "base/json_writer.h"
#include "base/log.h"

namespace nsq::admin {
namespace {

constexpr std::size_t kMaxWaiting = 1000;

std::string host_name() {
  char name[256] = "";
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "";
}

}  // namespace

Actor Actor::of(const http::Request& request) {
  const bool is_https = request.header("X-Scheme").value_or("") == "https";
  return {.user = basic_user(request),
          .remote_ip = std::string(request.remote),
          .user_agent = std::string(request.header("User-Agent").value_or("")),
          .url = fmt::format("{}://{}{}", is_https ? "https" : "http",
                             request.header("Host").value_or(""), request.target)};
}

std::string notification_json(const Action& action, const Actor& actor, Timestamp now,
                              const std::string& via) {
  JsonWriter json;
  json.begin_object().member("action", action.name).member("topic", action.topic);
  if (!action.channel.empty()) json.member("channel", action.channel);
  if (!action.node.empty()) json.member("node", action.node);
  json.member("timestamp", now.seconds());
  if (!actor.user.empty()) json.member("user", actor.user);
  json.member("remote_ip", actor.remote_ip)
      .member("user_agent", actor.user_agent)
      .member("url", actor.url)
      .member("via", via)
      .end_object();
  return json.take_text();
}

Notifications::Notifications(asio::io_context& loop, std::string endpoint,
                             http::ClientOptions client)
    : loop_(loop), endpoint_(std::move(endpoint)), client_(std::move(client)), via_(host_name()) {}

void Notifications::send(const Action& action, const Actor& actor) {
  if (endpoint_.empty()) return;
  if (waiting_.size() >= kMaxWaiting) {
    log::error("too many notifications wait for {}, dropped one", endpoint_);
    return;
  }
  waiting_.push_back(notification_json(action, actor, Timestamp::now(), via_));
  if (std::exchange(is_draining_, true)) return;
  asio::co_spawn(loop_, drain(), [this](std::exception_ptr) { is_draining_ = false; });
}

asio::awaitable<void> Notifications::drain() {
  while (!waiting_.empty()) {
    http::ClientRequest request{.method = "POST", .url = endpoint_};
    request.headers.emplace_back("Content-Type", "application/json");
    request.body = std::move(waiting_.front());
    waiting_.pop_front();
    log::info("POSTing notification to {}", endpoint_);
    auto answer = co_await http::fetch(loop_, std::move(request), client_);
    if (!answer) log::error("failed to POST notification - {}", answer.error().to_string());
  }
}

}  // namespace nsq::admin
