#include "daemon/metrics_api.h"

#include <sys/statvfs.h>

#include <asio/post.hpp>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "daemon/metrics_report.h"
#include "daemon/stats_api.h"

namespace nsq::daemon {
namespace {

using http::Exchange;

struct MetricsRequest {
  StatsRequest stats;
  MetricNames names;
  http::MetricsFormat format = http::MetricsFormat::Prometheus;
};

// A list like "exporter,own"; nothing if a word is none of the three.
std::optional<MetricNames> parse_names(std::string_view list) {
  MetricNames names{.exporter = false, .statsd = false, .own = false};
  while (true) {
    const std::size_t comma = list.find(',');
    const std::string_view word = list.substr(0, comma);
    if (word == "exporter") {
      names.exporter = true;
    } else if (word == "statsd") {
      names.statsd = true;
    } else if (word == "own") {
      names.own = true;
    } else {
      return std::nullopt;
    }
    if (comma == std::string_view::npos) return names;
    list.remove_prefix(comma + 1);
  }
}

std::optional<MetricsRequest> parse_request(const http::Request& request) {
  const http::Query* query = request.query();
  if (!query) return std::nullopt;
  MetricsRequest parsed;
  parsed.stats.filter.topic = query->get("topic");
  parsed.stats.filter.channel = query->get("channel");
  const std::string_view clients = query->get("clients");
  parsed.stats.filter.clients = clients == "true" || clients == "1";
  parsed.format = http::metrics_format(request.header("Accept").value_or(""));
  if (const auto list = query->find("names")) {
    const auto names = parse_names(*list);
    if (!names) return std::nullopt;
    parsed.names = *names;
  }
  return parsed;
}

DaemonFigures read_figures(const ApiContext& context) {
  DaemonFigures figures;
  figures.accepted_connections = context.clients.accepted_count();
  for (std::size_t i = 0; i < kCloseReasonCount; ++i)
    figures.closed_connections[i] = context.clients.closed_count(static_cast<CloseReason>(i));
  figures.connections = context.clients.connections().size();
  struct statvfs disk {};
  const std::string& path = context.options.data_path;
  if (::statvfs(path.empty() ? "." : path.c_str(), &disk) == 0) {
    figures.disk_size_bytes = std::uint64_t{disk.f_blocks} * disk.f_frsize;
    figures.disk_free_bytes = std::uint64_t{disk.f_bavail} * disk.f_frsize;
  }
  return figures;
}

std::string write(const ApiContext& context, const MetricsRequest& request) {
  const StatsReport report = gather_stats(context, request.stats, Moment::now());
  return write_metrics(report, read_figures(context), context.broker.meters(), request.names,
                       request.format);
}

// Ten thousand channels make some megabytes: written where that holds up no client, and sent from
// the connection's own loop.
void metrics(Exchange& exchange, const ApiContext& context) {
  auto request = parse_request(exchange.request);
  if (!request) return exchange.response.error(400, "INVALID_REQUEST");
  const auto responder = std::make_shared<http::Responder>(exchange.answer_later());
  asio::post(context.reports, [responder, &context, request = std::move(*request)] {
    std::string text = write(context, request);
    asio::post(responder->executor(),
               [responder, format = request.format, text = std::move(text)]() mutable {
                 http::Response& response = responder->response();
                 response.content_type = http::metrics_content_type(format);
                 response.is_v1 = false;
                 response.body = std::move(text);
                 responder->send();
               });
  });
}

}  // namespace

void add_metrics_api(http::Router& router, const ApiContext& context) {
  router.add(http::Method::Get, "/metrics",
             [&context](Exchange& exchange) { metrics(exchange, context); });
}

}  // namespace nsq::daemon
