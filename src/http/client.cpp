#include "http/client.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <optional>

#include "net/address.h"
#include "net/connect.h"
#include "net/layered_socket.h"
#include "net/net_error.h"
#include "net/watchdog.h"

namespace nsq::http {
namespace {

constexpr std::size_t kReadBytes = 16 << 10;

class ClientCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "nsq.http"; }
  std::string message(int code) const override {
    switch (static_cast<ClientErrc>(code)) {
      case ClientErrc::BadUrl:
        return "not a URL";
      case ClientErrc::NoTls:
        return "https without settings for TLS";
      case ClientErrc::BadResponse:
        return "malformed HTTP response";
      case ClientErrc::ResponseTooLong:
        return "response too long";
      case ClientErrc::TooManyRedirects:
        return "too many redirects";
    }
    return "unknown HTTP error";
  }
};

// "Get" for "GET", as the original's error texts have it.
std::string method_word(std::string_view method) {
  std::string word(method);
  for (std::size_t i = 1; i < word.size(); ++i) {
    if (word[i] >= 'A' && word[i] <= 'Z') word[i] = static_cast<char>(word[i] - 'A' + 'a');
  }
  return word;
}

Error failure(const ClientRequest& request, std::error_code code, std::string_view reason) {
  return Error(code,
               fmt::format("{} \"{}\": {}", method_word(request.method), request.url, reason));
}
Error failure(const ClientRequest& request, std::error_code code) {
  return failure(request, code, code.message());
}

std::string encode(const ClientRequest& request, const Url& url) {
  std::string text = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n",
                                 request.method, url.target, url.authority);
  for (const auto& [name, value] : request.headers) {
    text.append(name).append(": ").append(value).append("\r\n");
  }
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
    text.append(fmt::format("Content-Length: {}\r\n", request.body.size()));
  }
  return text.append("\r\n").append(request.body);
}

// What the time limit interrupts.
struct Attempt {
  explicit Attempt(net::Socket connected) : stream(std::move(connected)) {}

  void give_up() {
    timed_out = true;
    std::error_code ignored;  // the pending operation says what there is to say
    stream.socket().close(ignored);
  }

  net::LayeredSocket stream;
  bool timed_out = false;
};

asio::awaitable<Result<ClientResponse>> receive(const ClientRequest& request, Attempt& attempt,
                                                std::size_t limit_bytes) {
  using Event = ResponseParser::Event;
  ResponseParser parser(limit_bytes);
  std::string bytes(kReadBytes, '\0');  // not in the coroutine's frame, which is to stay small
  for (;;) {
    const auto size = co_await attempt.stream.read_some({bytes.data(), bytes.size()});
    if (!size) co_return failure(request, size.error().code());
    const Event event = *size == 0 ? parser.end() : parser.feed({bytes.data(), *size});
    if (event == Event::Complete) co_return parser.take_response();
    if (event == Event::Broken) co_return failure(request, ClientErrc::BadResponse);
    if (event == Event::TooLong) co_return failure(request, ClientErrc::ResponseTooLong);
  }
}

asio::awaitable<Result<void>> start_tls(const ClientRequest& request, const Url& url,
                                        Attempt& attempt,
                                        const std::shared_ptr<const net::TlsContext>& context) {
  const std::string host = net::Address::parse(url.address()).host();
  const auto started = co_await attempt.stream.start_tls(net::TlsContext::connect(context, host));
  if (started) co_return Result<void>();
  const Error& error = started.error();
  co_return failure(request, error.code(), "tls: " + error.context());
}

asio::awaitable<Result<ClientResponse>> converse(const ClientRequest& request, const Url& url,
                                                 const ClientOptions& options, Attempt& attempt) {
  if (url.scheme == "https") {
    const auto started = co_await start_tls(request, url, attempt, options.tls);
    if (!started) co_return started.error();
  }
  const std::string text = encode(request, url);
  const auto written = co_await attempt.stream.write(text);
  // A server may answer without having read all of the request, so a failure to write it is only
  // told if no answer can be read either.
  auto response = co_await receive(request, attempt, options.response_bytes);
  if (!response && !written) co_return failure(request, written.error().code());
  co_return response;
}

asio::awaitable<Result<ClientResponse>> ask_once(asio::io_context& loop,
                                                 const ClientRequest& request, const Url& url,
                                                 const ClientOptions& options, Instant deadline) {
  const Duration patience = std::min(options.connect_timeout, deadline - Instant::now());
  auto connected = co_await net::connect(loop, net::Address::parse(url.address()), patience);
  if (!connected) {
    co_return failure(request, connected.error().code(), connected.error().context());
  }
  Attempt attempt(std::move(*connected));
  net::Watchdog watchdog(loop.get_executor(), [&attempt] { attempt.give_up(); });
  watchdog.expect_by(deadline);
  auto response = co_await converse(request, url, options, attempt);
  if (attempt.timed_out && !response) co_return failure(request, net::NetErrc::TimedOut);
  co_return response;
}

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// Where a daemon that wants TLS says it is to be had.
std::optional<Url> find_https_url(const Url& url, const ClientResponse& response) {
  if (url.scheme != "http" || response.status != 403) return std::nullopt;
  simdjson::dom::parser parser;
  std::int64_t port = 0;
  if (parser.parse(response.body)["https_port"].get(port) != simdjson::SUCCESS || port <= 0 ||
      port > 65'535) {
    return std::nullopt;
  }
  const std::string host = url.authority.substr(0, url.authority.size() - url.port_suffix().size());
  return Url{"https", fmt::format("{}:{}", host, port), url.target};
}

}  // namespace

std::error_code make_error_code(ClientErrc code) {
  static const ClientCategory category;
  return {static_cast<int>(code), category};
}

asio::awaitable<Result<ClientResponse>> fetch(asio::io_context& loop, ClientRequest request,
                                              ClientOptions options) {
  const Instant deadline = Instant::now() + options.request_timeout;
  std::optional<Url> url = parse_url(request.url);
  if (!url) co_return failure(request, ClientErrc::BadUrl);
  for (int redirects = 0; redirects <= options.redirects; ++redirects) {
    if (url->scheme == "https" && !options.tls) co_return failure(request, ClientErrc::NoTls);
    auto response = co_await ask_once(loop, request, *url, options, deadline);
    if (!response) co_return response;
    if (options.follow_https_port && options.tls) {
      if (const auto upgraded = find_https_url(*url, *response)) {
        url = upgraded;
        request.url = url->text();
        continue;
      }
    }
    if (!is_redirect(response->status)) co_return response;
    const auto location = response->header("Location");
    url = location ? resolve_location(*url, *location) : std::nullopt;
    if (!url) co_return response;
    request.url = url->text();
    // What moved for good or for now is asked for again; other methods keep only with 307 and 308.
    if (response->status < 307 && request.method != "GET" && request.method != "HEAD") {
      request.method = "GET";
      request.body.clear();
    }
  }
  co_return failure(request, ClientErrc::TooManyRedirects);
}

}  // namespace nsq::http
