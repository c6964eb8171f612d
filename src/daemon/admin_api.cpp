#include "daemon/admin_api.h"

#include <asio/post.hpp>
#include <memory>
#include <string>
#include <utility>

#include "base/log.h"
#include "broker/broker_error.h"
#include "protocol/names.h"

namespace nsq::daemon {
namespace {

using broker::Broker;
using broker::BrokerErrc;
using http::Exchange;
using http::Method;

void answer(http::Response& response, const Result<void>& outcome) {
  if (outcome) return response.text("");
  if (outcome.error() == BrokerErrc::TopicNotFound) return response.error(404, "TOPIC_NOT_FOUND");
  if (outcome.error() == BrokerErrc::ChannelNotFound) {
    return response.error(404, "CHANNEL_NOT_FOUND");
  }
  if (outcome.error() == BrokerErrc::Draining) return response.error(503, "DRAINING");
  log::error("HTTP: {}", outcome.error().to_string());
  response.error(500, "INTERNAL_ERROR");
}

// What the broker calls when it has done what the request asks for.
Broker::Done answer_when_done(Exchange& exchange) {
  // A std::function must be copyable, which a Responder is not.
  const auto responder = std::make_shared<http::Responder>(exchange.answer_later());
  return [responder](Result<void> outcome) {
    asio::post(responder->executor(), [responder, outcome = std::move(outcome)] {
      answer(responder->response(), outcome);
      responder->send();
    });
  };
}

using TopicCall = void (*)(Broker&, std::string_view topic, Moment, Broker::Done);

struct TopicRow {
  const char* path;
  bool checks_name;  // the others say of a name that cannot be that there is no such topic
  TopicCall call;
};

constexpr TopicRow kTopicRows[] = {
    {"/topic/create", true,
     [](Broker& broker, std::string_view topic, Moment now, Broker::Done done) {
       broker.create_topic(topic, now, std::move(done));
     }},
    {"/topic/delete", false,
     [](Broker& broker, std::string_view topic, Moment now, Broker::Done done) {
       broker.delete_topic(topic, now, std::move(done));
     }},
    {"/topic/empty", true,
     [](Broker& broker, std::string_view topic, Moment now, Broker::Done done) {
       broker.empty_topic(topic, now, std::move(done));
     }},
    {"/topic/pause", false,
     [](Broker& broker, std::string_view topic, Moment now, Broker::Done done) {
       broker.pause_topic(topic, true, now, std::move(done));
     }},
    {"/topic/unpause", false,
     [](Broker& broker, std::string_view topic, Moment now, Broker::Done done) {
       broker.pause_topic(topic, false, now, std::move(done));
     }},
};

void handle_topic(Exchange& exchange, const ApiContext& context, const TopicRow& row) {
  const http::Query* query = exchange.request.query();
  if (!query) return exchange.response.error(400, "INVALID_REQUEST");
  const auto topic = query->find("topic");
  if (!topic) return exchange.response.error(400, "MISSING_ARG_TOPIC");
  if (row.checks_name && !protocol::is_valid_name(*topic)) {
    return exchange.response.error(400, "INVALID_TOPIC");
  }
  row.call(context.broker, *topic, Moment::now(), answer_when_done(exchange));
}

using ChannelCall = void (*)(Broker&, std::string_view topic, std::string_view channel, Moment,
                             Broker::Done);

struct ChannelRow {
  const char* path;
  ChannelCall call;
};

constexpr ChannelRow kChannelRows[] = {
    {"/channel/create",
     [](Broker& broker, std::string_view topic, std::string_view channel, Moment now,
        Broker::Done done) { broker.create_channel(topic, channel, now, std::move(done)); }},
    {"/channel/delete",
     [](Broker& broker, std::string_view topic, std::string_view channel, Moment now,
        Broker::Done done) { broker.delete_channel(topic, channel, now, std::move(done)); }},
    {"/channel/empty",
     [](Broker& broker, std::string_view topic, std::string_view channel, Moment now,
        Broker::Done done) { broker.empty_channel(topic, channel, now, std::move(done)); }},
    {"/channel/pause",
     [](Broker& broker, std::string_view topic, std::string_view channel, Moment now,
        Broker::Done done) { broker.pause_channel(topic, channel, true, now, std::move(done)); }},
    {"/channel/unpause",
     [](Broker& broker, std::string_view topic, std::string_view channel, Moment now,
        Broker::Done done) { broker.pause_channel(topic, channel, false, now, std::move(done)); }},
};

void handle_channel(Exchange& exchange, const ApiContext& context, const ChannelRow& row) {
  const http::Query* query = exchange.request.query();
  if (!query) return exchange.response.error(400, "INVALID_REQUEST");
  const auto topic = query->find("topic");
  if (!topic) return exchange.response.error(400, "MISSING_ARG_TOPIC");
  if (!protocol::is_valid_name(*topic)) return exchange.response.error(400, "INVALID_ARG_TOPIC");
  const auto channel = query->find("channel");
  if (!channel) return exchange.response.error(400, "MISSING_ARG_CHANNEL");
  if (!protocol::is_valid_name(*channel)) {
    return exchange.response.error(400, "INVALID_ARG_CHANNEL");
  }
  row.call(context.broker, *topic, *channel, Moment::now(), answer_when_done(exchange));
}

}  // namespace

void add_admin_api(http::Router& router, const ApiContext& context) {
  for (const TopicRow& row : kTopicRows) {
    router.add(Method::Post, row.path,
               [&context, &row](Exchange& exchange) { handle_topic(exchange, context, row); });
  }
  for (const ChannelRow& row : kChannelRows) {
    router.add(Method::Post, row.path,
               [&context, &row](Exchange& exchange) { handle_channel(exchange, context, row); });
  }
}

}  // namespace nsq::daemon
