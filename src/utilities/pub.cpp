#include "utilities/pub.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/instant.h"
#include "base/mutex.h"
#include "client/names.h"
#include "nsq/producer.h"
#include "utilities/notice.h"
#include "utilities/splitter.h"
#include "utilities/stop_signal.h"
#include "utilities/token_bucket.h"

namespace nsq::utilities {
namespace {

constexpr std::size_t kReadBytes = std::size_t{128} << 10;
// A batch's bodies; well below the body size a daemon accepts by default, whatever the overhead.
constexpr std::size_t kBatchBytes = std::size_t{256} << 10;
constexpr std::size_t kBatchMessages = 10'000;
constexpr std::int64_t kWindow = 64;                     // batches sent and not answered
constexpr Duration kPatience = std::chrono::minutes(5);  // with the last answers
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
  explicit Pub(const PubOptions& options) : options_(options), splitter_(options.delimiter[0]) {
    if (options.rate > 0) {
      notice(fmt::format("Throttling messages rate to max:{}/second", options.rate));
      bucket_.emplace(options.rate, Instant::now());
    }
  }

  int run() {
    Result<void> result = make_producers();
    if (result) result = publish_input();
    for (Producer& producer : producers_) producer.stop();  // waits for the answers
    if (result) result = failure();
    if (result) return EXIT_SUCCESS;
    notice(result.error().to_string());
    return EXIT_FAILURE;
  }

 private:
  Result<void> make_producers() {
    ProducerOptions producer;
    producer.config.user_agent = options_.user_agent;
    producer.config.max_pending = kWindow;
    producer.config.stop_timeout = kPatience;
    producer.logging.sink = [](LogLevel, std::string_view line) { notice(line); };
    for (const std::string& address : options_.nsqd_tcp_address) {
      producer.addresses = {address};
      auto created = Producer::create(producer);
      if (!created) return created.error();
      producers_.push_back(std::move(*created));
    }
    return {};
  }

  Result<void> publish_input() {
    std::string chunk;
    while (!signal_.has_come()) {
      if (const auto read = read_input(chunk); !read) return read.error();
      if (chunk.empty()) break;
      const auto published = publish(splitter_.add(chunk));
      if (!published) return published.error();
      if (splitter_.held_bytes() > kMaxPieceBytes) {
        return Error(make_error_code(std::errc::message_size), "piece without a delimiter");
      }
    }
    const std::string_view rest = splitter_.rest();
    if (!signal_.has_come() && !rest.empty()) return publish({&rest, 1});
    return {};
  }

  // Waits for input and takes what is there; nothing at its end, and when stopped. The descriptor
  // stays in blocking mode, which it shares with other programs: a terminal, say.
  Result<void> read_input(std::string& chunk) {
    chunk.clear();
    while (signal_.wait_for_input(STDIN_FILENO)) {
      chunk.resize(kReadBytes);
      const ssize_t count = ::read(STDIN_FILENO, chunk.data(), chunk.size());
      const int error = count < 0 ? errno : 0;
      chunk.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
      if (error == 0) break;
      if (error == EINTR || error == EAGAIN) continue;  // someone else may have read it
      return Error(std::error_code(error, std::system_category()), "read standard input");
    }
    return {};
  }

  Result<void> publish(std::span<const std::string_view> pieces) {
    while (!pieces.empty() && !signal_.has_come()) {
      if (auto result = failure(); !result) return result;
      std::size_t count = batch_length(pieces);
      if (bucket_) count = take_tokens(count);
      for (Producer& producer : producers_) publish_to(producer, pieces.first(count));
      pieces = pieces.subspan(count);
    }
    return failure();
  }

  void publish_to(Producer& producer, std::span<const std::string_view> pieces) {
    if (pieces.empty()) return;
    auto done = [this](const PublishResult& result) {
      const Lock lock(mutex_);
      if (!result && !failure_) failure_ = result.error();
    };
    if (pieces.size() == 1) {
      producer.publish_async(options_.topic, pieces.front(), std::move(done));
    } else {
      producer.multi_publish_async(options_.topic, pieces, std::move(done));
    }
  }

  // Waits until at least one message may be sent, or a signal comes; says how many of `wanted` may.
  std::size_t take_tokens(std::size_t wanted) {
    while (true) {
      const std::size_t taken = bucket_->take(wanted, Instant::now());
      if (taken > 0) return taken;
      if (!signal_.wait_for_input(-1, bucket_->next_token())) return 0;
    }
  }

  // The first publish that failed.
  Result<void> failure() {
    const Lock lock(mutex_);
    if (failure_) return *failure_;
    return {};
  }

  const PubOptions& options_;
  const StopSignal signal_{[] {}};  // ends reading; what was sent is still waited for
  Splitter splitter_;
  std::optional<TokenBucket> bucket_;

  Mutex mutex_;
  std::optional<Error> failure_ NSQ_GUARDED_BY(mutex_);
  std::vector<Producer> producers_;  // call back, so they go first
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
