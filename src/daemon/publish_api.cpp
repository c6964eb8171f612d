#include "daemon/publish_api.h"

#include <asio/post.hpp>
#include <charconv>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/log.h"
#include "broker/broker_error.h"
#include "broker/topic.h"
#include "daemon/deferral.h"
#include "daemon/publish_bodies.h"
#include "protocol/names.h"

namespace nsq::daemon {
namespace {

using http::Exchange;
using http::Method;
using http::Query;

// An answer that waits for the broker's commit. The broker tells any thread; the answer goes out on
// the connection's loop, which runs it after the handler has left its Responder here.
class CommitWaiter : public broker::PublishWaiter,
                     public std::enable_shared_from_this<CommitWaiter> {
 public:
  void expect_on(net::Executor executor, broker::Meters& meters, Instant since) {
    executor_ = executor;
    meters_ = &meters;
    since_ = since;
  }
  void keep(http::Responder responder) { responder_.emplace(std::move(responder)); }

  void on_published(std::uint64_t, const Result<void>& outcome) override {
    is_published_ = outcome.ok();
    asio::post(*executor_, [self = shared_from_this()] { self->answer(); });
  }

 private:
  void answer() {
    if (is_published_) {
      meters_->publish_times.add(Instant::now() - since_);
      responder_->response().text("OK");
    } else {
      responder_->response().error(503, "EXITING");
    }
    responder_->send();
  }

  broker::Meters* meters_ = nullptr;
  Instant since_;
  std::optional<net::Executor> executor_;
  std::optional<http::Responder> responder_;
  bool is_published_ = false;
};

// The topic, as the last of `/pub`'s and `/mpub`'s checks of their arguments leave it; null if one
// failed and has been answered. Creates the topic.
std::shared_ptr<broker::Topic> topic_of(Exchange& exchange, const ApiContext& context, Moment now) {
  const Query* query = exchange.request.query();
  if (!query) {
    exchange.response.error(400, "INVALID_REQUEST");
    return nullptr;
  }
  const auto name = query->find("topic");
  if (!name) {
    exchange.response.error(400, "MISSING_ARG_TOPIC");
    return nullptr;
  }
  if (!protocol::is_valid_name(*name)) {
    exchange.response.error(400, "INVALID_TOPIC");
    return nullptr;
  }
  if (context.broker.draining()) {
    exchange.response.error(503, "DRAINING");
    return nullptr;
  }
  return context.broker.topic(*name, now);
}

// The delay that "defer" asks for, in milliseconds; nothing if it is no number or out of range.
std::optional<Duration> delay_of(const Query& query, Duration longest) {
  auto text = query.find("defer");
  if (!text) return Duration::zero();
  if (text->starts_with('+') && text->size() > 1 && (*text)[1] != '-') text->remove_prefix(1);
  std::int64_t milliseconds = 0;
  const auto [end, error] =
      std::from_chars(text->data(), text->data() + text->size(), milliseconds);
  if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  if (milliseconds < 0 || milliseconds > longest / std::chrono::milliseconds(1)) {
    return std::nullopt;
  }
  return std::chrono::milliseconds(milliseconds);
}

void publish(Exchange& exchange, const ApiContext& context, std::shared_ptr<broker::Topic> topic,
             const broker::Publication& publication, Moment now) {
  // Most publishes are settled at once and leave the waiter unused, for the next one.
  thread_local std::shared_ptr<CommitWaiter> spare;
  if (!spare) spare = std::make_shared<CommitWaiter>();
  spare->expect_on(exchange.executor(), context.broker.meters(), now.steady);
  auto outcome = topic->publish({&publication, 1}, now, spare);
  if (outcome && !*outcome && outcome->error() == broker::BrokerErrc::Exiting) {
    // Deleted just now; asked for again, it is a new one.
    topic = context.broker.topic(topic->name(), now);
    outcome = topic->publish({&publication, 1}, now, spare);
  }
  if (!outcome) {
    spare->keep(exchange.answer_later());
    spare.reset();
  } else if (*outcome) {
    context.broker.meters().publish_times.add(Instant::now() - now.steady);
    exchange.response.text("OK");
  } else {
    exchange.response.error(503, "EXITING");
  }
}

void pub(Exchange& exchange, const ApiContext& context) {
  const http::Request& request = exchange.request;
  if (request.body_over_limit) return exchange.response.error(413, "MSG_TOO_BIG");
  if (request.body.empty()) return exchange.response.error(400, "MSG_EMPTY");
  const Moment now = Moment::now();
  auto topic = topic_of(exchange, context, now);
  if (!topic) return;
  const auto delay = delay_of(*request.query(), context.options.longest_defer());
  if (!delay) return exchange.response.error(400, "INVALID_DEFER");
  publish(exchange, context, std::move(topic), {{&request.body, 1}, deferral(*delay, now.wall)},
          now);
}

// Any value of "binary" but these two means the binary form, as it always has.
bool is_binary(const Query& query) {
  const auto value = query.find("binary");
  if (!value || *value == "false" || *value == "0") return false;
  if (*value != "true" && *value != "1") {
    log::warning("deprecated value '{}' for binary of /mpub, use true", *value);
  }
  return true;
}

void mpub(Exchange& exchange, const ApiContext& context) {
  const http::Request& request = exchange.request;
  if (request.body_over_limit) return exchange.response.error(413, "BODY_TOO_BIG");
  const Moment now = Moment::now();
  auto topic = topic_of(exchange, context, now);
  if (!topic) return;
  const Query& query = *request.query();
  const auto delay = delay_of(query, context.options.longest_defer());
  if (!delay) return exchange.response.error(400, "INVALID_DEFER");

  thread_local std::vector<std::string_view> messages;
  messages.clear();
  const PublishLimits limits{context.options.max_msg_size, context.options.max_body_size};
  const auto failure = is_binary(query) ? split_batch(request.body, limits, messages)
                                        : split_lines(request.body, limits, messages);
  if (failure) return exchange.response.error(413, *failure);
  if (messages.empty()) return exchange.response.text("OK");
  publish(exchange, context, std::move(topic), {messages, deferral(*delay, now.wall)}, now);
}

}  // namespace

void add_publish_api(http::Router& router, const ApiContext& context) {
  const auto limit = [](std::int64_t bytes) {
    return http::RouteOptions{.body_limit = static_cast<std::size_t>(bytes), .is_logged = false};
  };
  router.add(
      Method::Post, "/pub", [&context](Exchange& exchange) { pub(exchange, context); },
      limit(context.options.max_msg_size));
  router.add(
      Method::Post, "/mpub", [&context](Exchange& exchange) { mpub(exchange, context); },
      limit(context.options.max_body_size));
}

}  // namespace nsq::daemon
