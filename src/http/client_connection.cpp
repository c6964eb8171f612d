#include "http/client_connection.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "net/address.h"
#include "net/connect.h"
#include "net/net_error.h"
#include "net/tls_context.h"

namespace nsq::http {
namespace {

constexpr std::size_t kReadBytes = 16 << 10;

// "Get" for "GET", as the original's error texts have it.
std::string method_word(std::string_view method) {
  std::string word(method);
  for (std::size_t i = 1; i < word.size(); ++i) {
    if (word[i] >= 'A' && word[i] <= 'Z') word[i] = static_cast<char>(word[i] - 'A' + 'a');
  }
  return word;
}

std::string encode(const ClientRequest& request, const Url& url, bool is_last) {
  std::string text =
      fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n", request.method, url.target, url.authority);
  if (is_last) text.append("Connection: close\r\n");
  for (const auto& [name, value] : request.headers) {
    text.append(name).append(": ").append(value).append("\r\n");
  }
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
    text.append(fmt::format("Content-Length: {}\r\n", request.body.size()));
  }
  return text.append("\r\n").append(request.body);
}

}  // namespace

Error request_failure(const ClientRequest& request, std::error_code code, std::string_view reason) {
  return Error(code,
               fmt::format("{} \"{}\": {}", method_word(request.method), request.url, reason));
}
Error request_failure(const ClientRequest& request, std::error_code code) {
  return request_failure(request, code, code.message());
}

ClientConnection::ClientConnection(asio::io_context& loop, net::Socket socket)
    : stream_(std::move(socket)), watchdog_(loop.get_executor(), [this] {
        timed_out_ = true;
        std::error_code ignored;  // the pending operation says what there is to say
        stream_.socket().close(ignored);
      }) {}

asio::awaitable<ClientConnection::OpenResult> ClientConnection::open(asio::io_context& loop,
                                                                     const ClientRequest& request,
                                                                     const Url& url,
                                                                     const ClientOptions& options,
                                                                     Instant deadline) {
  const Duration patience = std::min(options.connect_timeout, deadline - Instant::now());
  auto connected = co_await net::connect(loop, net::Address::parse(url.address()), patience);
  if (!connected) {
    co_return request_failure(request, connected.error().code(), connected.error().context());
  }
  auto connection = std::make_unique<ClientConnection>(loop, std::move(*connected));
  if (url.scheme == "https") {
    connection->watchdog_.expect_by(deadline);
    const auto started = co_await connection->start_tls(request, url, options);
    connection->watchdog_.rest();
    if (!started && connection->timed_out_) {
      co_return request_failure(request, net::NetErrc::TimedOut);
    }
    if (!started) co_return started.error();
  }
  co_return OpenResult(std::move(connection));
}

asio::awaitable<Result<void>> ClientConnection::start_tls(const ClientRequest& request,
                                                          const Url& url,
                                                          const ClientOptions& options) {
  const std::string host = net::Address::parse(url.address()).host();
  const auto started = co_await stream_.start_tls(net::TlsContext::connect(options.tls, host));
  if (started) co_return Result<void>();
  const Error& error = started.error();
  co_return request_failure(request, error.code(), "tls: " + error.context());
}

asio::awaitable<Result<ClientResponse>> ClientConnection::ask(const ClientRequest& request,
                                                              const Url& url,
                                                              const ClientOptions& options,
                                                              Instant deadline, bool is_last) {
  is_reusable_ = has_heard_ = false;
  watchdog_.expect_by(deadline);
  const std::string text = encode(request, url, is_last);
  const auto written = co_await stream_.write(text);
  // A server may answer without having read all of the request, so a failure to write it is only
  // told if no answer can be read either.
  auto response = co_await receive(request, options);
  watchdog_.rest();
  is_reusable_ = is_reusable_ && written.ok() && !timed_out_ && !is_last;
  if (!response && timed_out_) co_return request_failure(request, net::NetErrc::TimedOut);
  if (!response && !written) co_return request_failure(request, written.error().code());
  co_return response;
}

asio::awaitable<Result<ClientResponse>> ClientConnection::receive(const ClientRequest& request,
                                                                  const ClientOptions& options) {
  using Event = ResponseParser::Event;
  ResponseParser parser(options.response_bytes, options.keeps_body);
  room_.resize(kReadBytes);
  for (;;) {
    const auto size = co_await stream_.read_some({room_.data(), room_.size()});
    if (!size) co_return request_failure(request, size.error().code());
    has_heard_ = has_heard_ || *size > 0;
    const Event event = *size == 0 ? parser.end() : parser.feed({room_.data(), *size});
    if (event == Event::Complete) {
      is_reusable_ = *size > 0 && parser.keep_alive();
      co_return parser.take_response();
    }
    if (event == Event::Broken) co_return request_failure(request, ClientErrc::BadResponse);
    if (event == Event::TooLong) co_return request_failure(request, ClientErrc::ResponseTooLong);
  }
}

// Something to read, were it the end, is nothing the server should have sent.
bool ClientConnection::is_intact() {
  char byte = 0;
  const auto count = ::recv(stream_.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

}  // namespace nsq::http
