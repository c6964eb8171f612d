#include "admin/graphite.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "base/json_writer.h"
#include "base/log.h"
#include "http/percent.h"

namespace nsq::admin {
namespace {

// Headers that are about one connection, or that our own answer has anyway.
bool is_passed_on(std::string_view name) {
  constexpr std::array<std::string_view, 9> kKept = {
      "Connection",       "Keep-Alive", "Transfer-Encoding",
      "Content-Length",   "Upgrade",    "Trailer",
      "Proxy-Connection", "Date",       "Server"};
  return std::none_of(kKept.begin(), kKept.end(),
                      [&](std::string_view kept) { return http::same_token(kept, name); });
}

}  // namespace

std::optional<double> first_point(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  double point = 0;
  if (parser.parse(json.data(), json.size()).get(root) != simdjson::SUCCESS ||
      root.at_pointer("/0/datapoints/0/0").get(point) != simdjson::SUCCESS) {
    return std::nullopt;
  }
  return point;
}

Graphite::Graphite(asio::io_context& loop, const Options& options, http::ClientOptions client)
    : loop_(loop), options_(options), client_(std::move(client)), url_(options.graphite_url) {
  const std::string credentials = take_credentials(url_);
  if (!credentials.empty()) authorization_ = http::basic_authorization(credentials);
  while (url_.ends_with('/')) url_.pop_back();
}

http::ClientRequest Graphite::request_for(std::string_view query) const {
  http::ClientRequest request{.url = fmt::format("{}/render?{}", url_, query)};
  if (!authorization_.empty()) request.headers.emplace_back("Authorization", authorization_);
  return request;
}

asio::awaitable<Answer> Graphite::rate(std::string target) {
  const auto seconds =
      std::max<std::int64_t>(1, options_.statsd_interval / std::chrono::seconds(1));
  const std::string query = fmt::format("format=json&from=-{}sec&target={}&until=-{}sec",
                                        2 * seconds, http::encode_query(target), seconds);
  const auto answer = co_await http::fetch(loop_, request_for(query), client_);
  if (!answer) {
    log::error("failed to request metric - {}", answer.error().to_string());
    co_return error_answer(500, "INTERNAL_ERROR");
  }
  const auto point = answer->status == 200 ? first_point(answer->body) : std::nullopt;
  if (!point) co_return error_answer(500, "INTERNAL_ERROR");
  const double rate = *point / static_cast<double>(seconds);
  JsonWriter json;
  json.begin_object()
      .member("rate", rate < 0 ? std::string("N/A") : fmt::format("{:.2f}", rate))
      .end_object();
  co_return Answer{200, json.take_text()};
}

asio::awaitable<void> Graphite::proxy(http::Responder responder) {
  auto request = request_for(responder.request().raw_query);
  const std::string_view remote = responder.request().remote;
  const std::string peer(remote.substr(0, remote.rfind(':')));
  const auto before = responder.request().header("X-Forwarded-For");
  request.headers.emplace_back("X-Forwarded-For",
                               before ? fmt::format("{}, {}", *before, peer) : peer);
  if (const auto accept = responder.request().header("Accept")) {
    request.headers.emplace_back("Accept", std::string(*accept));
  }
  auto answer = co_await http::fetch(loop_, std::move(request), client_);
  http::Response& response = responder.response();
  response.is_v1 = false;
  response.content_type = "";
  if (answer) {
    response.status = answer->status;
    for (const auto& [name, value] : answer->headers) {
      if (is_passed_on(name)) response.add_header(name, value);
    }
    response.body = std::move(answer->body);
  } else {
    log::error("failed to proxy to Graphite - {}", answer.error().to_string());
    response.status = 502;
  }
  responder.send();
}

}  // namespace nsq::admin
