#include "lookupd/http_api.h"

#include <asio/post.hpp>
#include <memory>
#include <string>
#include <utility>

#include "base/json_writer.h"
#include "base/log.h"
#include "base/version.h"
#include "http/metrics_writer.h"
#include "http/process_metrics.h"
#include "lookupd/answers.h"
#include "protocol/names.h"

namespace nsq::lookupd {
namespace {

using http::Exchange;
using http::Method;

// The longest answer there is; /debug alone could come near it.
constexpr std::size_t kMaxAnswerBytes = std::size_t{256} << 20;

// --- long answers ------------------------------------------------------------------------------

// Writes an answer slice by slice, and lets the loop do what else there is in between.
class SlicedJob : public std::enable_shared_from_this<SlicedJob> {
 public:
  SlicedJob(http::Responder responder, std::unique_ptr<SlicedAnswer> answer, std::string text)
      : responder_(std::move(responder)), answer_(std::move(answer)), text_(std::move(text)) {}

  void go_on() {
    asio::post(responder_.executor(), [self = shared_from_this()] { self->write_slice(); });
  }

 private:
  void write_slice() {
    if (!answer_->write_slice(Moment::now(), text_)) {
      if (text_.size() <= kMaxAnswerBytes) return go_on();
      responder_.response().error(503, "TOO_LARGE");
    } else {
      responder_.response().json(std::move(text_));
    }
    responder_.send();
  }

  http::Responder responder_;
  const std::unique_ptr<SlicedAnswer> answer_;
  std::string text_;
};

void answer_in_slices(Exchange& exchange, std::unique_ptr<SlicedAnswer> answer) {
  std::string text;
  if (answer->write_slice(Moment::now(), text)) return exchange.response.json(std::move(text));
  std::make_shared<SlicedJob>(exchange.answer_later(), std::move(answer), std::move(text))->go_on();
}

// --- parameters --------------------------------------------------------------------------------

struct Names {
  std::string_view topic, channel;
};

// The topic, unchecked: what cannot be a topic is one that is not known. Null, and the request
// answered, if there is none.
const http::Query* query_with_topic(Exchange& exchange) {
  const http::Query* query = exchange.request.query();
  if (query == nullptr) {
    exchange.response.error(400, "INVALID_REQUEST");
  } else if (!query->find("topic")) {
    exchange.response.error(400, "MISSING_ARG_TOPIC");
    query = nullptr;
  }
  return query;
}

// Topic and channel, valid both. False, and the request answered, if they are not.
bool read_channel(Exchange& exchange, Names& names) {
  const http::Query* query = query_with_topic(exchange);
  if (query == nullptr) return false;
  names = {query->get("topic"), query->get("channel")};
  const char* mistake = nullptr;
  if (!protocol::is_valid_name(names.topic)) {
    mistake = "INVALID_ARG_TOPIC";
  } else if (!query->find("channel")) {
    mistake = "MISSING_ARG_CHANNEL";
  } else if (!protocol::is_valid_name(names.channel)) {
    mistake = "INVALID_ARG_CHANNEL";
  }
  if (mistake != nullptr) exchange.response.error(400, mistake);
  return mistake == nullptr;
}

// --- endpoints ---------------------------------------------------------------------------------

void info(Exchange& exchange) {
  JsonWriter json;
  json.begin_object().member("version", version()).end_object();
  exchange.response.json(json.take_text());
}

// Counts only: what a producer's metrics are, the daemons tell themselves.
void metrics(Exchange& exchange, const Registry& registry, const Options& options) {
  using Type = http::MetricsWriter::Type;
  std::uint64_t connected = 0;
  std::uint64_t active = 0;
  std::uint64_t topics = 0;
  std::uint64_t channels = 0;
  const Moment now = Moment::now();
  for (const auto& peer : registry.peers()) {
    if (!peer) continue;
    ++connected;
    active += is_active(*peer, now, options) ? 1 : 0;
    topics += peer->topics.size();
    channels += peer->channels.size();
  }
  const auto format = http::metrics_format(exchange.request.header("Accept").value_or(""));
  http::MetricsWriter writer(format);
  writer.family("nsqlookupd_producers", Type::Gauge, "Daemons that are connected.");
  writer.sample(connected);
  writer.family("nsqlookupd_active_producers", Type::Gauge,
                "Those of them that were heard from in time.");
  writer.sample(active);
  writer.family("nsqlookupd_topics", Type::Gauge, "Topics known, with a producer or without.");
  writer.sample(static_cast<std::uint64_t>(registry.topics().size()));
  writer.family("nsqlookupd_registrations", Type::Gauge, "What all daemons have registered.");
  writer.sample(http::MetricLabels().add("category", "topic"), topics);
  writer.sample(http::MetricLabels().add("category", "channel"), channels);
  http::add_process_metrics(writer);
  exchange.response.plain(200, writer.take_text());
  exchange.response.content_type = http::metrics_content_type(format);
}

void lookup(Exchange& exchange, const Registry& registry, const Options& options) {
  const http::Query* query = query_with_topic(exchange);
  if (query == nullptr) return;
  const Registry::Topic* topic = registry.find_topic(query->get("topic"));
  if (topic == nullptr) return exchange.response.error(404, "TOPIC_NOT_FOUND");
  exchange.response.json(lookup_answer(registry, *topic, Moment::now(), options));
}

void channels(Exchange& exchange, const Registry& registry) {
  const http::Query* query = query_with_topic(exchange);
  if (query == nullptr) return;
  exchange.response.json(channels_answer(registry.find_topic(query->get("topic"))));
}

void create_topic(Exchange& exchange, Registry& registry) {
  const http::Query* query = query_with_topic(exchange);
  if (query == nullptr) return;
  const std::string_view topic = query->get("topic");
  if (!protocol::is_valid_name(topic)) return exchange.response.error(400, "INVALID_ARG_TOPIC");
  log::info("DB: adding topic({})", topic);
  if (!registry.create(topic, "")) return exchange.response.error(503, "TOO_MANY_NAMES");
  exchange.response.text("");
}

void delete_topic(Exchange& exchange, Registry& registry) {
  const http::Query* query = query_with_topic(exchange);
  if (query == nullptr) return;
  if (registry.delete_topic(query->get("topic"))) {
    log::info("DB: removing topic({})", query->get("topic"));
  }
  exchange.response.text("");
}

void tombstone_topic(Exchange& exchange, Registry& registry) {
  const http::Query* query = query_with_topic(exchange);
  if (query == nullptr) return;
  const auto node = query->find("node");
  if (!node) return exchange.response.error(400, "MISSING_ARG_NODE");
  log::info("DB: setting tombstone for producer@{} of topic({})", *node, query->get("topic"));
  registry.set_tombstone(query->get("topic"), *node, Moment::now());
  exchange.response.text("");
}

void create_channel(Exchange& exchange, Registry& registry) {
  Names names;
  if (!read_channel(exchange, names)) return;
  log::info("DB: adding channel({}) in topic({})", names.channel, names.topic);
  if (!registry.create(names.topic, names.channel)) {
    return exchange.response.error(503, "TOO_MANY_NAMES");
  }
  exchange.response.text("");
}

void delete_channel(Exchange& exchange, Registry& registry) {
  Names names;
  if (!read_channel(exchange, names)) return;
  if (!registry.delete_channel(names.topic, names.channel)) {
    return exchange.response.error(404, "CHANNEL_NOT_FOUND");
  }
  log::info("DB: removing channel({}) from topic({})", names.channel, names.topic);
  exchange.response.text("");
}

}  // namespace

void add_api(http::Router& router, Registry& registry, const Options& options) {
  router.add(Method::Get, "/ping", [](Exchange& exchange) { exchange.response.plain(200, "OK"); });
  router.add(Method::Get, "/info", info);
  router.add(Method::Get, "/metrics",
             [&registry, &options](Exchange& exchange) { metrics(exchange, registry, options); });
  router.add(Method::Get, "/lookup",
             [&registry, &options](Exchange& exchange) { lookup(exchange, registry, options); });
  router.add(Method::Get, "/channels",
             [&registry](Exchange& exchange) { channels(exchange, registry); });
  router.add(Method::Get, "/topics", [&registry](Exchange& exchange) {
    answer_in_slices(exchange, topics_answer(registry));
  });
  router.add(Method::Get, "/nodes", [&registry, &options](Exchange& exchange) {
    answer_in_slices(exchange, nodes_answer(registry, options));
  });
  router.add(Method::Get, "/debug", [&registry](Exchange& exchange) {
    answer_in_slices(exchange, debug_answer(registry));
  });
  using Change = void (*)(Exchange&, Registry&);
  constexpr std::pair<const char*, Change> kChanges[] = {{"/topic/create", create_topic},
                                                         {"/topic/delete", delete_topic},
                                                         {"/topic/tombstone", tombstone_topic},
                                                         {"/channel/create", create_channel},
                                                         {"/channel/delete", delete_channel}};
  for (const auto& [path, change] : kChanges) {
    router.add(Method::Post, path,
               [&registry, change = change](Exchange& exchange) { change(exchange, registry); });
  }
}

}  // namespace nsq::lookupd
