#include "utilities/pub.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "base/instant.h"
#include "client/client_error.h"
#include "client/names.h"
#include "client/publisher.h"
#include "utilities/notice.h"
#include "utilities/splitter.h"
#include "utilities/token_bucket.h"

namespace nsq::utilities {
namespace {

constexpr auto kUseTuple = asio::experimental::as_tuple(asio::use_awaitable);

constexpr std::size_t kReadBytes = std::size_t{128} << 10;
// A batch's bodies; well below the body size a daemon accepts by default, whatever the overhead.
constexpr std::size_t kBatchBytes = std::size_t{256} << 10;
constexpr std::size_t kBatchMessages = 10'000;
// A piece this long without a delimiter is no message any daemon takes.
constexpr std::size_t kMaxPieceBytes = std::size_t{256} << 20;

std::optional<std::string> find_mistake(const PubOptions& options) {
  if (options.topic.empty()) return "--topic required";
  if (!client::is_valid_name(options.topic)) return "invalid topic name";
  if (options.delimiter.size() != 1) return "--delimiter must be a single byte";
  if (options.nsqd_tcp_address.empty()) return "--nsqd-tcp-address required";
  return std::nullopt;
}

// The longest run of pieces that makes one batch.
std::size_t batch_length(std::span<const std::string_view> pieces) {
  std::size_t bytes = 0;
  std::size_t count = 0;
  while (count < std::min(pieces.size(), kBatchMessages)) {
    bytes += pieces[count].size();
    if (bytes > kBatchBytes && count > 0) break;
    ++count;
  }
  return count;
}

class Pub {
 public:
  explicit Pub(const PubOptions& options)
      : options_(options),
        signals_(loop_, SIGINT, SIGTERM),
        input_(loop_, ::dup(STDIN_FILENO)),
        splitter_(options.delimiter[0]) {
    client::ConnectionOptions connection;
    connection.user_agent = options.user_agent;
    for (const std::string& address : options.nsqd_tcp_address) {
      publishers_.push_back(std::make_shared<client::Publisher>(loop_, address, connection));
    }
    if (options.rate > 0) {
      notice(fmt::format("Throttling messages rate to max:{}/second", options.rate));
      bucket_.emplace(options.rate, Instant::now());
    }
  }

  int run() {
    wait_for_signal();
    asio::co_spawn(loop_, work(), asio::detached);
    loop_.run();
    return exit_status_;
  }

 private:
  asio::awaitable<void> work() {
    Result<void> result = co_await publish_input();
    for (const auto& publisher : publishers_) {
      if (result) result = co_await publisher->drain();
      publisher->close();
    }
    if (!result) {
      notice(result.error().to_string());
      exit_status_ = EXIT_FAILURE;
    }
    loop_.stop();
  }

  asio::awaitable<Result<void>> publish_input() {
    std::string chunk;
    while (!stopping_) {
      if (const auto read = co_await read_input(chunk); !read) co_return read.error();
      if (chunk.empty()) break;
      const auto published = co_await publish(splitter_.add(chunk));
      if (!published) co_return published.error();
      if (splitter_.held_bytes() > kMaxPieceBytes) {
        co_return Error(make_error_code(std::errc::message_size), "piece without a delimiter");
      }
    }
    const std::string_view rest = splitter_.rest();
    if (!stopping_ && !rest.empty()) co_return co_await publish({&rest, 1});
    co_return Result<void>();
  }

  // Waits for input and takes what is there; nothing at its end, and when stopped. The descriptor
  // stays in blocking mode, which it shares with other programs: a terminal, say.
  asio::awaitable<Result<void>> read_input(std::string& chunk) {
    chunk.clear();
    while (!stopping_) {
      // Files need no waiting, and cannot be waited for; then this fails at once and the read does
      // not.
      co_await input_.async_wait(asio::posix::stream_descriptor::wait_read, kUseTuple);
      if (stopping_) break;
      chunk.resize(kReadBytes);
      const ssize_t count = ::read(STDIN_FILENO, chunk.data(), chunk.size());
      const int error = count < 0 ? errno : 0;
      chunk.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
      if (error == 0) break;
      if (error == EINTR || error == EAGAIN) continue;  // someone else may have read it
      co_return Error(std::error_code(error, std::system_category()), "read standard input");
    }
    co_return Result<void>();
  }

  asio::awaitable<Result<void>> publish(std::span<const std::string_view> pieces) {
    while (!pieces.empty() && !stopping_) {
      std::size_t count = batch_length(pieces);
      if (bucket_) count = co_await take_tokens(count);
      for (const auto& publisher : publishers_) {
        const auto sent = co_await publisher->publish(options_.topic, pieces.first(count));
        if (!sent) co_return sent.error();
      }
      pieces = pieces.subspan(count);
    }
    co_return Result<void>();
  }

  // Waits until at least one message may be sent; says how many of `wanted` may.
  asio::awaitable<std::size_t> take_tokens(std::size_t wanted) {
    while (true) {
      const Instant now = Instant::now();
      const std::size_t taken = bucket_->take(wanted, now);
      if (taken > 0) co_return taken;
      asio::steady_timer timer(loop_, bucket_->next_token().to_steady());
      co_await timer.async_wait(kUseTuple);
    }
  }

  void wait_for_signal() {
    signals_.async_wait([this](std::error_code error, int) {
      if (error) return;
      if (stopping_) std::_Exit(EXIT_FAILURE);  // for whoever will not wait
      wait_for_signal();
      stop();
    });
  }

  // Ends reading; what was sent is still waited for.
  void stop() {
    stopping_ = true;
    input_.cancel();
  }

  const PubOptions& options_;
  asio::io_context loop_{1};
  asio::signal_set signals_;
  asio::posix::stream_descriptor input_;  // only to wait for input
  Splitter splitter_;
  std::optional<TokenBucket> bucket_;
  std::vector<std::shared_ptr<client::Publisher>> publishers_;
  bool stopping_ = false;
  int exit_status_ = EXIT_SUCCESS;
};

}  // namespace

int pub(const PubOptions& options) {
  if (const auto mistake = find_mistake(options)) {
    notice(*mistake);
    return EXIT_FAILURE;
  }
  Pub program(options);
  return program.run();
}

}  // namespace nsq::utilities
