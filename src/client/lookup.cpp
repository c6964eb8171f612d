#include "client/lookup.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "http/client.h"
#include "http/percent.h"
#include "http/url.h"
#include "nsq/client_error.h"
#include "protocol/quote.h"

namespace nsq::client {
namespace {

constexpr std::size_t kMaxAnswerBytes = std::size_t{16} << 20;
constexpr std::size_t kShownBytes = 200;  // of an answer that is none

// "host:port" with IPv6 in brackets; empty if it makes no sense.
std::string address_of(const simdjson::dom::element& producer) {
  std::string_view host;
  std::int64_t port = 0;
  if (producer["broadcast_address"].get(host) != simdjson::SUCCESS ||
      producer["tcp_port"].get(port) != simdjson::SUCCESS) {
    return {};
  }
  if (host.empty() || host.size() > 255 || port <= 0 || port > 65'535) return {};
  if (host.find_first_of(" /[]\r\n") != std::string_view::npos) return {};
  if (host.find(':') != std::string_view::npos) return fmt::format("[{}]:{}", host, port);
  return fmt::format("{}:{}", host, port);
}

bool names_a_port(std::string_view authority) {
  const std::size_t colon = authority.rfind(':');
  return colon != std::string_view::npos && colon + 1 < authority.size() &&
         authority.find(']', colon) == std::string_view::npos;
}

std::string_view status_word(int status) {
  switch (status) {
    case 400:
      return " Bad Request";
    case 401:
      return " Unauthorized";
    case 403:
      return " Forbidden";
    case 404:
      return " Not Found";
    case 500:
      return " Internal Server Error";
    case 502:
      return " Bad Gateway";
    case 503:
      return " Service Unavailable";
    default:
      return "";
  }
}

}  // namespace

Result<std::string> lookup_url(std::string_view address, std::string_view topic) {
  const bool has_scheme = address.find("://") != std::string_view::npos;
  auto url = http::parse_url(has_scheme ? std::string(address) : fmt::format("http://{}", address));
  if (!url) return Error(ClientErrc::InvalidArgument, fmt::format("{} is no address", address));
  if (!names_a_port(url->authority)) {
    return Error(ClientErrc::InvalidArgument, fmt::format("address {}: missing port", address));
  }
  if (url->target == "/") url->target = "/lookup";
  if (url->target.starts_with("/?")) url->target.insert(1, "lookup");
  url->target += url->target.find('?') == std::string::npos ? '?' : '&';
  url->target += "topic=" + http::encode_query(topic);
  return url->text();
}

Result<std::vector<std::string>> parse_lookup_answer(std::string_view json) {
  std::vector<std::string> addresses;
  if (json.empty()) return addresses;
  simdjson::dom::parser parser;
  simdjson::dom::element answer;
  if (parser.parse(simdjson::padded_string(json)).get(answer) != simdjson::SUCCESS ||
      !answer.is_object()) {
    return Error(ClientErrc::LookupFailed, "the answer is no JSON object");
  }
  simdjson::dom::element data;
  if (answer["data"].get(data) == simdjson::SUCCESS && data.is_object()) answer = data;
  simdjson::dom::array producers;
  if (answer["producers"].get(producers) != simdjson::SUCCESS) return addresses;
  std::unordered_set<std::string> seen;
  for (const simdjson::dom::element& producer : producers) {
    std::string address = address_of(producer);
    if (address.empty() || addresses.size() == kMaxProducers) continue;
    if (seen.insert(address).second) addresses.push_back(std::move(address));
  }
  return addresses;
}

asio::awaitable<Result<std::vector<std::string>>> ask_lookupd(
    asio::io_context& loop, std::string url, std::string secret,
    std::shared_ptr<const net::TlsContext> tls, Duration timeout) {
  http::ClientRequest request;
  request.url = std::move(url);
  request.headers.emplace_back("Accept", "application/vnd.nsq; version=1.0");
  if (!secret.empty()) request.headers.emplace_back("Authorization", "Bearer " + secret);
  http::ClientOptions options;
  options.request_timeout = timeout;
  options.connect_timeout = std::min<Duration>(options.connect_timeout, timeout);
  options.response_bytes = kMaxAnswerBytes;
  options.tls = std::move(tls);
  const auto response = co_await http::fetch(loop, std::move(request), options);
  if (!response) co_return response.error();
  if (response->status != 200) {
    const std::string_view body = std::string_view(response->body).substr(0, kShownBytes);
    co_return Error(ClientErrc::LookupFailed,
                    fmt::format("got response {}{} {}", response->status,
                                status_word(response->status), protocol::quote(body)));
  }
  co_return parse_lookup_answer(response->body);
}

}  // namespace nsq::client
