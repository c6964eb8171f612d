#include "admin/api.h"

#include <fmt/format.h>

#include <asio/basic_waitable_timer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/use_awaitable.hpp>
#include <chrono>
#include <exception>
#include <utility>

#include "admin/access.h"
#include "admin/compression.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "base/version.h"

namespace nsq::admin {
namespace {

using http::Exchange;
using http::Method;
using http::Request;

constexpr auto kUseTuple = asio::experimental::as_tuple(asio::use_awaitable);
// How old an answer for a page may be.
constexpr Duration kPageAge = std::chrono::milliseconds(900);
constexpr std::string_view kPageHeader = "X-NSQ-Page";
constexpr std::size_t kMaxActionBytes = 64 << 10;
constexpr std::size_t kMaxConfigBytes = 1 << 20;
// A message as JSON, which may take six bytes for one.
constexpr std::size_t kMaxPublishBytes = std::size_t{32} << 20;

std::string argument(const Request& request, std::size_t index) {
  return std::string(request.path_arguments[index]);
}

cluster::ClusterOptions cluster_options(const Options& options, const http::ClientOptions& client) {
  return {.lookupds = options.nsqlookupd_http_addresses,
          .daemons = options.nsqd_http_addresses,
          .client = client,
          .patience = options.straggler_timeout};
}

void send(http::Responder& responder, const Answer& answer) {
  http::Response& response = responder.response();
  response.status = answer.status;
  response.content_type = http::kJson;
  response.body = answer.body;
  Pages::add_security_headers(response);
  const Encoding encoding =
      choose_encoding(responder.request().header("Accept-Encoding").value_or(""));
  if (encoding != Encoding::Identity) {
    response.body = compress(answer.body, encoding);
    response.add_header("Content-Encoding", to_text(encoding));
    response.add_header("Vary", "Accept-Encoding");
  }
  responder.send();
}

}  // namespace

Api::Api(asio::io_context& loop, const Options& options, Parts parts)
    : loop_(loop),
      options_(options),
      cluster_(loop, cluster_options(options, parts.client)),
      history_({.series = static_cast<std::size_t>(options.history_series)}),
      notifications_(loop, options.notification_http_endpoint, parts.client),
      queries_(cluster_, history_, options),
      actions_(cluster_, notifications_),
      graphite_(loop, options, parts.client),
      config_(options, cluster_, parts.config_range),
      pages_(options, parts.assets),
      cache_(loop, kPageAge) {}

std::string Api::path(std::string_view below) const {
  if (options_.base_path == "/") return std::string(below);
  return below == "/" ? options_.base_path : options_.base_path + std::string(below);
}

void Api::spawn(asio::awaitable<void> coroutine) {
  asio::co_spawn(loop_, std::move(coroutine), [](std::exception_ptr failed) {
    // Memory ran out; a Responder that goes unsent answers 500.
    if (failed) log::error("a request could not be answered: out of memory");
  });
}

asio::awaitable<void> Api::respond(http::Responder responder, std::string key, Work work) {
  if (key.empty()) {
    const Answer answer = co_await work();
    send(responder, answer);
  } else {
    const auto answer = co_await cache_.get(std::move(key), std::move(work));
    send(responder, *answer);
  }
}

void Api::answer_query(Exchange& exchange, Work work) {
  ++requests_.queries;
  std::string key;
  if (exchange.request.header(kPageHeader)) key = exchange.request.target;
  spawn(respond(exchange.answer_later(), std::move(key), std::move(work)));
}

asio::awaitable<Answer> Api::acting(Work work) {
  Answer answer = co_await work();
  cache_.forget_all();
  co_return answer;
}

void Api::answer_action(Exchange& exchange, const Act& act, std::string_view body_error) {
  const Request& request = exchange.request;
  ++requests_.actions;
  if (!is_admin(request, options_) || !is_from_here(request)) {
    ++requests_.refused_actions;
    return exchange.response.error(403, "FORBIDDEN");
  }
  ActionBody body;
  if (request.method != Method::Delete || !body_error.empty()) {
    if (request.body_over_limit) return exchange.response.error(413, "BODY_TOO_BIG");
    auto parsed = parse_action(request.body);
    if (!parsed) {
      return exchange.response.error(
          400, body_error.empty() ? parsed.error().context() : std::string(body_error));
    }
    body = std::move(*parsed);
  }
  const Work work = [act, body, actor = Actor::of(request)] { return act(body, actor); };
  spawn(respond(exchange.answer_later(), "", [this, work] { return acting(work); }));
}

void Api::add_routes(http::Router& router) {
  add_pages(router);
  add_queries(router);
  add_actions(router);
  add_others(router);
}

void Api::add_pages(http::Router& router) {
  const auto serve = [this](Exchange& exchange) {
    ++requests_.pages;
    pages_.serve_index(exchange.request, settings_json(exchange.request), exchange.response);
  };
  for (const std::string_view page : {"/", "/topics", "/topics/:topic", "/topics/:topic/:channel",
                                      "/nodes", "/nodes/:node", "/counter", "/lookup"}) {
    router.add(Method::Get, path(page), serve);
  }
  for (const std::string_view folder : {"/static/:asset", "/fonts/:asset"}) {
    router.add(Method::Get, path(folder), [this](Exchange& exchange) {
      ++requests_.pages;
      pages_.serve_asset(exchange.request, exchange.request.path_arguments[0], exchange.response);
    });
  }
  router.add(Method::Get, path("/ping"),
             [](Exchange& exchange) { exchange.response.plain(200, "OK"); });
}

void Api::add_queries(http::Router& router) {
  router.add(Method::Get, path("/api/topics"), [this](Exchange& exchange) {
    const http::Query* query = exchange.request.query();
    if (!query) return exchange.response.error(400, "INVALID_REQUEST");
    const bool is_inactive = query->get("inactive") == "true";
    answer_query(exchange, [this, is_inactive] {
      return is_inactive ? queries_.inactive_topics() : queries_.topics();
    });
  });
  router.add(Method::Get, path("/api/topics/:topic"), [this](Exchange& exchange) {
    answer_query(exchange,
                 [this, topic = argument(exchange.request, 0)] { return queries_.topic(topic); });
  });
  router.add(Method::Get, path("/api/topics/:topic/:channel"), [this](Exchange& exchange) {
    answer_query(exchange, [this, topic = argument(exchange.request, 0),
                            channel = argument(exchange.request, 1)] {
      return queries_.channel(topic, channel);
    });
  });
  router.add(Method::Get, path("/api/nodes"), [this](Exchange& exchange) {
    answer_query(exchange, [this] { return queries_.nodes(); });
  });
  router.add(Method::Get, path("/api/nodes/:node"), [this](Exchange& exchange) {
    answer_query(exchange,
                 [this, node = argument(exchange.request, 0)] { return queries_.node(node); });
  });
  router.add(Method::Get, path("/api/counter"), [this](Exchange& exchange) {
    answer_query(exchange, [this] { return queries_.counter(); });
  });
  router.add(Method::Get, path("/api/overview"), [this](Exchange& exchange) {
    answer_query(exchange, [this] { return queries_.overview(); });
  });
}

void Api::add_actions(http::Router& router) {
  const http::RouteOptions small{.body_limit = kMaxActionBytes};
  router.add(
      Method::Post, path("/api/topics"),
      [this](Exchange& exchange) {
        answer_action(exchange, [this](ActionBody body, Actor actor) {
          return actions_.create(std::move(body), std::move(actor));
        });
      },
      small);
  router.add(Method::Post, path("/api/publish"),
             [this](Exchange& exchange) {
               answer_action(exchange, [this](ActionBody body, Actor actor) {
                 return actions_.publish(std::move(body), std::move(actor));
               });
             },
             {.body_limit = kMaxPublishBytes});
  for (const bool has_channel : {false, true}) {
    const std::string target =
        path(has_channel ? "/api/topics/:topic/:channel" : "/api/topics/:topic");
    router.add(
        Method::Post, target,
        [this, has_channel](Exchange& exchange) {
          const std::string topic = argument(exchange.request, 0);
          const std::string channel = has_channel ? argument(exchange.request, 1) : "";
          answer_action(exchange, [this, topic, channel](ActionBody body, Actor actor) {
            return actions_.act(topic, channel, std::move(body), std::move(actor));
          });
        },
        small);
    router.add(
        Method::Delete, target,
        [this, has_channel](Exchange& exchange) {
          const std::string topic = argument(exchange.request, 0);
          const std::string channel = has_channel ? argument(exchange.request, 1) : "";
          answer_action(exchange, [this, topic, channel](ActionBody, Actor actor) {
            return actions_.remove(topic, channel, std::move(actor));
          });
        },
        small);
  }
  router.add(
      Method::Delete, path("/api/nodes/:node"),
      [this](Exchange& exchange) {
        const std::string node = argument(exchange.request, 0);
        answer_action(
            exchange,
            [this, node](ActionBody body, Actor actor) {
              return actions_.tombstone(node, std::move(body), std::move(actor));
            },
            "INVALID_BODY");
      },
      small);
}

void Api::add_others(http::Router& router) {
  router.add(Method::Get, path("/api/history"), [this](Exchange& exchange) {
    const http::Query* query = exchange.request.query();
    if (!query) return exchange.response.error(400, "INVALID_REQUEST");
    Subject subject{.topic = std::string(query->get("topic")),
                    .channel = std::string(query->get("channel")),
                    .node = std::string(query->get("node"))};
    answer_query(exchange, [this, subject]() -> asio::awaitable<Answer> {
      co_return Answer{200, history_.to_json(subject)};
    });
  });
  router.add(Method::Get, path("/api/graphite"), [this](Exchange& exchange) {
    const http::Query* query = exchange.request.query();
    if (!query) return exchange.response.error(400, "INVALID_REQUEST");
    if (query->get("metric") != "rate") return exchange.response.error(400, "INVALID_ARG_METRIC");
    const auto target = query->find("target");
    if (!target) return exchange.response.error(400, "INVALID_ARG_TARGET");
    answer_query(exchange,
                 [this, wanted = std::string(*target)] { return graphite_.rate(wanted); });
  });
  if (options_.proxy_graphite && !options_.graphite_url.empty()) {
    router.add(Method::Get, path("/render"),
               [this](Exchange& exchange) { spawn(graphite_.proxy(exchange.answer_later())); });
  }
  router.add(Method::Get, path("/metrics"),
             [this](Exchange& exchange) { answer_metrics(exchange); });
  router.add(Method::Get, path("/config/:opt"),
             [this](Exchange& exchange) { config_.get(exchange); });
  router.add(Method::Put, path("/config/:opt"),
             [this](Exchange& exchange) { config_.put(exchange, [this] { cache_.forget_all(); }); },
             {.body_limit = kMaxConfigBytes});
}

void Api::answer_metrics(Exchange& exchange) const {
  const auto format = http::metrics_format(exchange.request.header("Accept").value_or(""));
  const MetricsReport report{.requests = requests_,
                             .questions = cluster_.counts(),
                             .cache_hits = cache_.hits(),
                             .cache_misses = cache_.misses(),
                             .history_series = history_.series_count(),
                             .history_bytes = history_.bytes(),
                             .uptime = Instant::now() - started_};
  exchange.response.plain(200, metrics_text(report, format));
  exchange.response.content_type = http::metrics_content_type(format);
}

std::string Api::settings_json(const Request& request) const {
  JsonWriter json;
  const bool has_graphite = !options_.graphite_url.empty();
  std::string graphite_url = options_.proxy_graphite ? "" : options_.graphite_url;
  take_credentials(graphite_url);
  json.begin_object()
      .member("version", version())
      .member("base_path", options_.base_path)
      .member("is_admin", is_admin(request, options_))
      .member("user", request.header(options_.acl_http_header).value_or(""))
      .member("graph_enabled", has_graphite)
      .member("graphite_url", graphite_url)
      .member("statsd_prefix", options_.statsd_prefix)
      .member("statsd_counter_format", options_.statsd_counter_format)
      .member("statsd_gauge_format", options_.statsd_gauge_format)
      .member("statsd_interval", options_.statsd_interval / std::chrono::seconds(1))
      .member("history_interval_ms", options_.history_interval / std::chrono::milliseconds(1))
      .member("attention_depth", options_.attention_depth)
      .key("nsqlookupd")
      .begin_array();
  for (const std::string& address : cluster_.options().lookupds) json.value(address);
  json.end_array().end_object();
  return json.take_text();
}

void Api::start() {
  if (options_.history_interval > Duration::zero()) spawn(watch());
}

asio::awaitable<void> Api::watch() {
  asio::basic_waitable_timer<std::chrono::steady_clock> timer(loop_);
  Instant next = Instant::now();
  for (;;) {
    Warnings ignored;  // a page says them when somebody looks
    const auto snapshot = co_await queries_.snapshot(cluster::Wait::ForAll, ignored);
    if (snapshot) history_.record(snapshot->time, snapshot->stats);
    next = std::max(next + options_.history_interval, Instant::now());
    timer.expires_at(next.to_steady());
    const auto [error] = co_await timer.async_wait(kUseTuple);
    if (error) co_return;
  }
}

}  // namespace nsq::admin
