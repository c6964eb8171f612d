#include "daemon/auth_client.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <asio/co_spawn.hpp>
#include <asio/error.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/use_awaitable.hpp>
#include <exception>
#include <system_error>
#include <utility>

#include "base/json_writer.h"
#include "base/log.h"
#include "http/percent.h"
#include "http/url.h"

namespace nsq::daemon {
namespace {

// A loop's questions on their way at the same time.
constexpr std::size_t kMaxUnderWay = 64;
constexpr std::size_t kMaxAnswerBytes = std::size_t{1} << 20;

constexpr auto kUseTuple = asio::experimental::as_tuple(asio::use_awaitable);

Error failure(std::errc code, std::string text) {
  return Error(std::make_error_code(code), std::move(text));
}

std::string auth_url(std::string_view address) {
  if (address.find("://") != std::string_view::npos) return std::string(address);
  return fmt::format("http://{}/auth", address);
}

// A server's address as it may be logged: a URL's query can hold what is nobody's business.
std::string_view shown(std::string_view address) {
  return address.substr(0, address.find('?'));
}

std::string encode_json(const AuthQuestion& question) {
  JsonWriter json;
  const auto list = [&json](std::string_view name, std::string_view value) {
    json.key(name).begin_array().value(value).end_array();
  };
  json.begin_object();
  list("common_name", question.common_name);
  list("remote_ip", question.remote_ip);
  list("secret", question.secret);
  list("tls", question.tls ? "true" : "false");
  json.end_object();
  return json.take_text();
}

std::string encode_form(const AuthQuestion& question) {
  return fmt::format(
      "common_name={}&remote_ip={}&secret={}&tls={}", http::encode_query(question.common_name),
      http::encode_query(question.remote_ip), http::encode_query(question.secret), question.tls);
}

}  // namespace

http::ClientRequest auth_request(std::string_view address, std::string_view method,
                                 const AuthQuestion& question) {
  http::ClientRequest request;
  request.url = auth_url(address);
  request.headers.emplace_back("Accept", "application/vnd.nsq; version=1.0");
  if (method == "post") {
    request.method = "POST";
    request.headers.emplace_back("Content-Type", "application/json");
    request.body = encode_json(question);
  } else {
    request.url += request.url.find('?') == std::string::npos ? '?' : '&';
    request.url += encode_form(question);
  }
  return request;
}

std::string secure_auth_address(std::string_view url, std::string_view body) {
  const auto parsed = http::parse_url(url);
  if (!parsed || parsed->scheme != "http") return "";
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  std::int64_t port = 0;
  if (parser.parse(body.data(), body.size()).get(document) != simdjson::SUCCESS ||
      document["https_port"].get(port) != simdjson::SUCCESS || port < 1 || port > 65535) {
    return "";
  }
  const std::string address = parsed->address();
  return fmt::format("https://{}:{}{}", address.substr(0, address.rfind(':')), port,
                     parsed->target);
}

AuthClient::AuthClient(asio::io_context& loop, const Options& options,
                       std::shared_ptr<const net::TlsContext> tls)
    : loop_(loop), options_(options), tls_(std::move(tls)) {}

void AuthClient::ask(AuthQuestion question, std::shared_ptr<AuthWaiter> waiter) {
  asio::co_spawn(loop_, serve(std::move(question), waiter), [waiter](std::exception_ptr failed) {
    // Memory ran out for this one; the others go on.
    if (failed) waiter->on_auth_answer(failure(std::errc::not_enough_memory, ""));
  });
}

asio::awaitable<void> AuthClient::serve(AuthQuestion question, std::shared_ptr<AuthWaiter> waiter) {
  AuthAnswer answer = co_await ask_in_turn(std::move(question));
  waiter->on_auth_answer(std::move(answer));
}

// One of the places of questions under way, held while the coroutine lives.
class AuthClient::Turn {
 public:
  explicit Turn(AuthClient& client) : client_(client) {}
  ~Turn() { client_.pass_turn_on(); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  AuthClient& client_;
};

asio::awaitable<AuthAnswer> AuthClient::ask_in_turn(AuthQuestion question) {
  if (under_way_ < kMaxUnderWay) {
    ++under_way_;
  } else if (!co_await wait_for_turn()) {
    co_return failure(std::errc::timed_out, "the auth servers are too slow");
  }
  const Turn turn(*this);
  co_return co_await ask_all(std::move(question));
}

// Whether the turn came before the patience ended.
asio::awaitable<bool> AuthClient::wait_for_turn() {
  const auto timer = std::make_shared<Timer>(loop_);
  timer->expires_after(options_.http_client_request_timeout);
  waiting_.push_back(timer);
  const auto [error] = co_await timer->async_wait(kUseTuple);
  co_return error == asio::error::operation_aborted;
}

void AuthClient::pass_turn_on() {
  while (!waiting_.empty()) {
    const auto timer = waiting_.front().lock();
    waiting_.pop_front();
    if (timer && timer->cancel() > 0) return;
  }
  --under_way_;
}

asio::awaitable<AuthAnswer> AuthClient::ask_all(AuthQuestion question) {
  const auto& addresses = options_.auth_http_addresses;
  const std::size_t first = random_() % addresses.size();
  AuthAnswer answer = failure(std::errc::not_connected, "");
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const std::string& address = addresses[(first + i) % addresses.size()];
    answer = co_await ask_one(address, question);
    if (answer) break;
    // Without the error's context, which quotes the URL, and with it the secret.
    log::error("AUTH: failed auth server {} - {}", shown(address), answer.error().to_string());
  }
  co_return answer;
}

asio::awaitable<AuthAnswer> AuthClient::ask_one(std::string address, const AuthQuestion& question) {
  const http::ClientOptions limits{.connect_timeout = options_.http_client_connect_timeout,
                                   .request_timeout = options_.http_client_request_timeout,
                                   .response_bytes = kMaxAnswerBytes,
                                   .tls = tls_};
  for (bool is_second = false;; is_second = true) {
    auto request = auth_request(address, options_.auth_http_request_method, question);
    const std::string url = auth_url(address);
    auto response = co_await http::fetch(loop_, std::move(request), limits);
    if (!response) co_return Error(response.error().code(), "");
    if (response->status == 403 && !is_second) {
      address = secure_auth_address(url, response->body);
      if (!address.empty()) continue;
    }
    if (response->status != 200) {
      co_return failure(std::errc::protocol_error,
                        fmt::format("got response {}", response->status));
    }
    auto grants = parse_auth_answer(response->body, patterns_);
    if (!grants) co_return grants.error();
    co_return std::make_shared<const AuthGrants>(std::move(*grants));
  }
}

}  // namespace nsq::daemon
