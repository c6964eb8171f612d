#include "utilities/to_http.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <asio/post.hpp>
#include <cstdlib>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <utility>

#include "http/request.h"
#include "net/event_loops.h"
#include "net/tls_context.h"
#include "nsq/consumer.h"
#include "utilities/http_forwarder.h"
#include "utilities/notice.h"
#include "utilities/stop_signal.h"

namespace nsq::utilities {
namespace {

// Headers a request has by itself, and which the original takes no others for.
bool is_ignored(std::string_view name) {
  constexpr std::array<std::string_view, 4> kIgnored = {"Host", "Content-Length",
                                                        "Transfer-Encoding", "Trailer"};
  return std::any_of(kIgnored.begin(), kIgnored.end(),
                     [&](std::string_view ignored) { return http::same_token(ignored, name); });
}

Result<HttpHeaders> make_headers(const ToHttpOptions& options) {
  HttpHeaders headers{{"User-Agent", options.user_agent}};
  if (options.get.empty()) headers.emplace_back("Content-Type", options.content_type);
  for (const std::string& text : options.header) {
    auto header = parse_header(text);
    if (!header) return header.error();
    if (is_ignored(header->first)) {
      notice(fmt::format("Warning: --header {} is ignored", header->first));
    } else {
      set_header(headers, std::move(header->first), std::move(header->second));
    }
  }
  return headers;
}

Result<std::vector<HttpTarget>> make_targets(const ToHttpOptions& options,
                                             const HttpHeaders& headers) {
  std::vector<HttpTarget> targets;
  for (const std::string& url : options.get.empty() ? options.post : options.get) {
    auto target =
        options.get.empty() ? HttpTarget::post(url, headers) : HttpTarget::get(url, headers);
    if (!target) return target.error();
    targets.push_back(std::move(*target));
  }
  return targets;
}

// In the original's order, as far as targets.
std::optional<std::string> find_mistake(const ToHttpOptions& options) {
  if (options.topic.empty() || options.channel.empty()) return "--topic and --channel are required";
  if (options.content_type != ToHttpOptions::kDefaultContentType) {
    if (options.post.empty()) return "--content-type only used with --post";
    if (options.content_type.empty()) return "--content-type requires a value when used";
  }
  if (const auto mistake = find_mistake(options.source)) return mistake;
  if (options.get.empty() && options.post.empty()) return "--get or --post required";
  if (!options.get.empty() && !options.post.empty()) return "use --get or --post not both";
  return std::nullopt;
}

std::optional<std::string> find_later_mistake(const ToHttpOptions& options) {
  if (!(options.sample >= 0 && options.sample <= 1)) {
    return "ERROR: --sample must be between 0.0 and 1.0";
  }
  if (options.mode != "multicast" && !parse_pool_mode(options.mode)) {
    return "--mode should be hostpool, epsilon-greedy, round-robin or multicast";
  }
  if (options.http_client_connect_timeout <= Duration::zero()) {
    return "--http-client-connect-timeout should be positive";
  }
  if (options.http_client_request_timeout <= Duration::zero()) {
    return "--http-client-request-timeout should be positive";
  }
  if (options.max_in_flight < 0) return "--max-in-flight should not be negative";
  if (options.n < 1) return "no handlers";
  return std::nullopt;
}

// Without certificates of one's own there is TLS only as far as the system can vouch for others.
Result<std::shared_ptr<const net::TlsContext>> make_tls(const ToHttpOptions& options,
                                                        const std::vector<HttpTarget>& targets) {
  auto tls = net::TlsContext::for_client(
      {.cert_file = options.http_client_tls_cert,
       .key_file = options.http_client_tls_key,
       .root_ca_file = options.http_client_tls_root_ca_file,
       .insecure_skip_verify = options.http_client_tls_insecure_skip_verify});
  const bool is_needed =
      std::any_of(targets.begin(), targets.end(), [](const auto& t) { return t.is_https(); });
  if (!tls && !is_needed) return std::shared_ptr<const net::TlsContext>();
  return tls;
}

// Of messages, at random, the share that is wanted.
class Sample {
 public:
  explicit Sample(double share) : share_(share) {}
  bool is_wanted() { return share_ >= 1 || zero_to_one_(random_) < share_; }

 private:
  const double share_;
  std::minstd_rand random_{std::random_device()()};
  std::uniform_real_distribution<double> zero_to_one_{0, 1};
};

// One run of the program: messages come on the consumer's thread, and requests are made on a loop.
class ToHttp {
 public:
  ToHttp(const ToHttpOptions& options, std::vector<HttpTarget> targets,
         std::shared_ptr<const net::TlsContext> tls)
      : options_(options), sample_(options.sample) {
    http::ClientOptions client;
    client.connect_timeout = options.http_client_connect_timeout;
    client.request_timeout = options.http_client_request_timeout;
    client.keeps_body = false;
    client.tls = std::move(tls);
    forwarder_ = std::make_unique<HttpForwarder>(
        loops_.loop(0), HttpForwarder::Setup{.targets = std::move(targets),
                                             .mode = parse_pool_mode(options.mode),
                                             .requests = static_cast<std::size_t>(options.n),
                                             .status_every = options.status_every,
                                             .client = std::move(client),
                                             .report = notice});
  }

  int run() {
    auto consumer = make_consumer();
    if (!consumer) return fail(consumer.error());
    const StopSignal signal([&consumer] { consumer->stop(); });
    loops_.start();
    const auto connected = connect(*consumer, options_.source);
    const bool has_failed = !connected && !signal.has_come();
    if (has_failed) fail(connected.error());
    if (has_failed) consumer->stop();
    consumer->wait();
    loops_.stop();
    loops_.join();
    return has_failed ? EXIT_FAILURE : EXIT_SUCCESS;
  }

 private:
  Result<Consumer> make_consumer() {
    ConsumerOptions consumer;
    consumer.topic = options_.topic;
    consumer.channel = options_.channel;
    consumer.config = options_.consumer;
    consumer.config.max_in_flight = options_.max_in_flight;
    consumer.batch_handler = [this](std::span<Message> messages) { on_messages(messages); };
    consumer.logging.sink = [](LogLevel, std::string_view line) { notice(line); };
    return Consumer::create(std::move(consumer));
  }

  // What is not wanted is finished by the end of the handler.
  void on_messages(std::span<Message> messages) {
    std::vector<Message> wanted;
    for (Message& message : messages) {
      if (!sample_.is_wanted()) continue;
      message.disable_auto_response();
      wanted.push_back(message);
    }
    if (wanted.empty()) return;
    asio::post(loops_.loop(0), [this, wanted = std::move(wanted)]() mutable {
      forwarder_->forward(std::move(wanted));
    });
  }

  static int fail(const Error& error) {
    notice(error.to_string());
    return EXIT_FAILURE;
  }

  const ToHttpOptions& options_;
  Sample sample_;  // the handler's
  net::EventLoops loops_{1, "nsq-http"};
  std::unique_ptr<HttpForwarder> forwarder_;  // its sockets go before the loop
};

int fail(std::string_view mistake) {
  notice(mistake);
  return EXIT_FAILURE;
}

}  // namespace

int to_http(const ToHttpOptions& options) {
  const auto headers = make_headers(options);
  if (!headers) return fail(headers.error().context());
  if (const auto mistake = find_mistake(options)) return fail(*mistake);
  auto targets = make_targets(options, *headers);
  if (!targets) return fail(targets.error().context());
  if (const auto mistake = find_later_mistake(options)) return fail(*mistake);
  auto tls = make_tls(options, *targets);
  if (!tls) return fail(tls.error().to_string());
  if (const auto warning = find_short_window(options.status_every)) notice(*warning);
  ToHttp program(options, std::move(*targets), std::move(*tls));
  return program.run();
}

}  // namespace nsq::utilities
