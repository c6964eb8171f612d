#include "daemon/stats_api.h"

#include <asio/post.hpp>
#include <memory>
#include <unordered_map>
#include <utility>

#include "daemon/client_session.h"

namespace nsq::daemon {
namespace {

using http::Exchange;

// true, 1, false and 0; any other word, or none, leaves it at true.
bool flag(const http::Query& query, std::string_view name) {
  const std::string_view word = query.get(name);
  return word != "false" && word != "0";
}

using Subscriptions = std::unordered_map<const broker::Consumer*, broker::SubscriptionStats>;

ChannelReport report_channel(broker::ChannelStats stats, Subscriptions& subscriptions) {
  ChannelReport report;
  for (broker::SubscriptionStats& subscription : stats.clients) {
    subscriptions.emplace(subscription.consumer.get(), subscription);
    const auto session = std::dynamic_pointer_cast<ClientSession>(subscription.consumer);
    report.clients.push_back({session ? session->info() : ClientInfo{}, std::move(subscription)});
  }
  stats.clients.clear();
  report.stats = std::move(stats);
  return report;
}

// The clients that have published, each with its counts of the topic in question.
std::vector<ClientReport> report_producers(const ApiContext& context, const std::string& topic,
                                           const Subscriptions& subscriptions) {
  std::vector<ClientReport> producers;
  for (const auto& connection : context.clients.connections()) {
    ClientReport report{connection->info(), {}};
    if (report.info.pub_counts.empty()) continue;
    if (!topic.empty()) {
      std::erase_if(report.info.pub_counts,
                    [&](const ClientInfo::TopicCount& count) { return count.topic != topic; });
    }
    const auto found = subscriptions.find(&connection->consumer());
    if (found != subscriptions.end()) report.subscription = found->second;
    producers.push_back(std::move(report));
  }
  return producers;
}

// Ten thousand channels make some megabytes: gathered and written where that holds up no client,
// and sent from the connection's own loop.
void stats(Exchange& exchange, const ApiContext& context) {
  const http::Query* query = exchange.request.query();
  if (!query) return exchange.response.error(400, "INVALID_REQUEST");
  StatsRequest request;
  request.filter.topic = query->get("topic");
  request.filter.channel = query->get("channel");
  request.filter.clients = flag(*query, "include_clients");
  request.with_memory = flag(*query, "include_mem");
  const bool json = query->get("format") == "json";
  const auto responder = std::make_shared<http::Responder>(exchange.answer_later());
  asio::post(context.reports, [responder, &context, json, request = std::move(request)] {
    const StatsReport report = gather_stats(context, request, Moment::now());
    std::string text = json ? write_stats_json(report) : write_stats_text(report);
    asio::post(responder->executor(), [responder, json, text = std::move(text)]() mutable {
      http::Response& response = responder->response();
      if (json) {
        response.json(std::move(text));
      } else {
        response.text(text);
      }
      responder->send();
    });
  });
}

}  // namespace

StatsReport gather_stats(const ApiContext& context, const StatsRequest& request, Moment now) {
  StatsReport report;
  report.now = now;
  report.start_time = context.start_time;
  report.health = context.broker.health();
  report.with_clients = request.filter.clients;
  report.is_topic_unknown =
      !request.filter.topic.empty() && !context.broker.find_topic(request.filter.topic);
  Subscriptions subscriptions;
  for (broker::TopicStats& topic : context.broker.stats(request.filter, now)) {
    TopicReport& added = report.topics.emplace_back();
    for (broker::ChannelStats& channel : topic.channels) {
      added.channels.push_back(report_channel(std::move(channel), subscriptions));
    }
    // A topic's latency is that of its channels; without any it is as good as not measured.
    if (topic.channels.empty()) topic.e2e_processing_latency = {};
    topic.channels.clear();
    added.stats = std::move(topic);
  }
  if (request.filter.clients) {
    report.producers = report_producers(context, request.filter.topic, subscriptions);
  }
  if (request.with_memory) report.memory = read_memory_stats();
  return report;
}

void add_stats_api(http::Router& router, const ApiContext& context) {
  router.add(http::Method::Get, "/stats",
             [&context](Exchange& exchange) { stats(exchange, context); });
}

}  // namespace nsq::daemon
