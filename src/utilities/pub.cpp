#include "utilities/pub.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
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
#include "utilities/progress.h"
#include "utilities/splitter.h"
#include "utilities/stop_signal.h"
#include "utilities/token_bucket.h"

namespace nsq::utilities {
namespace {

constexpr std::size_t kReadBytes = std::size_t{128} << 10;
// A batch's bodies; well below the body size a daemon accepts by default, whatever the overhead.
constexpr std::size_t kBatchBytes = std::size_t{256} << 10;
constexpr std::int64_t kWindow = 64;  // batches sent and not answered
// A piece this long without a delimiter is no message any daemon takes.
constexpr std::size_t kMaxPieceBytes = std::size_t{256} << 20;

std::optional<std::string> find_mistake(const PubOptions& options) {
  if (options.topic.empty()) return "--topic required";
  if (!client::is_valid_name(options.topic)) return "invalid topic name";
  if (options.delimiter.size() != 1) return "--delimiter must be a single byte";
  if (options.nsqd_tcp_address.empty()) return "--nsqd-tcp-address required";
  if (options.defer < Duration::zero()) return "--defer should not be negative";
  if (options.batch < 1) return "--batch should be positive";
  return std::nullopt;
}

// The longest run of pieces that makes one batch.
std::size_t batch_length(std::span<const std::string_view> pieces, std::size_t most) {
  std::size_t bytes = 0;
  std::size_t count = 0;
  while (count < std::min(pieces.size(), most)) {
    bytes += pieces[count].size();
    if (bytes > kBatchBytes && count > 0) break;
    ++count;
  }
  return count;
}

Error last_error(std::string what) {
  return Error(std::error_code(errno, std::generic_category()), std::move(what));
}

// What is read: standard input, or a file.
class Input {
 public:
  Input() = default;
  ~Input() {
    if (descriptor_ != STDIN_FILENO) ::close(descriptor_);
  }
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  Result<void> open(const std::string& path) {
    const int opened = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (opened < 0) return last_error("open " + path);
    descriptor_ = opened;
    return {};
  }
  // Of a regular file.
  std::optional<std::uint64_t> size() const {
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
    return static_cast<std::uint64_t>(status.st_size);
  }
  // Waits for input and takes what is there; nothing at its end, and when stopped. The descriptor
  // stays in blocking mode, which it shares with other programs: a terminal, say.
  Result<void> read(std::string& chunk, const StopSignal& signal) const {
    chunk.clear();
    while (signal.wait_for_input(descriptor_)) {
      chunk.resize(kReadBytes);
      const ssize_t count = ::read(descriptor_, chunk.data(), chunk.size());
      chunk.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
      if (count >= 0) break;
      if (errno == EINTR || errno == EAGAIN) continue;  // someone else may have read it
      return last_error("read the input");
    }
    return {};
  }

 private:
  int descriptor_ = STDIN_FILENO;
};

class Pub {
 public:
  explicit Pub(const PubOptions& options) : options_(options), splitter_(options.delimiter[0]) {
    if (options.rate > 0) {
      notice(fmt::format("Throttling messages rate to max:{}/second", options.rate));
      bucket_.emplace(options.rate, Instant::now());
    }
  }

  int run() {
    Result<void> result = open();
    if (result) result = publish_input();
    for (Producer& producer : producers_) producer.stop();  // waits for the answers
    if (result) result = failure();
    progress_.clear();
    if (result) return EXIT_SUCCESS;
    notice(result.error().to_string());
    tell_missing();
    return EXIT_FAILURE;
  }

 private:
  // What has become of the messages for one destination.
  struct Tally {
    std::uint64_t sent = 0;
    std::uint64_t acknowledged = 0;
  };

  Result<void> open() {
    if (auto made = make_producers(); !made || options_.file.empty()) return made;
    return input_.open(options_.file);
  }

  Result<void> make_producers() {
    ProducerOptions producer;
    producer.config = options_.producer;
    if (batches()) {
      producer.config.max_pending = std::min(producer.config.max_pending, kWindow);
    }
    producer.logging.sink = [](LogLevel, std::string_view line) { notice(line); };
    for (const std::string& address : options_.nsqd_tcp_address) {
      producer.addresses = {address};
      auto created = Producer::create(producer);
      if (!created) return created.error();
      producers_.push_back(std::move(*created));
    }
    const Lock lock(mutex_);
    tallies_.resize(producers_.size());
    return {};
  }

  bool batches() const { return options_.batch > 1 && options_.defer == Duration::zero(); }

  Result<void> publish_input() {
    const auto total_bytes = input_.size();
    std::string chunk;
    while (!signal_.has_come()) {
      if (const auto read = input_.read(chunk, signal_); !read) return read.error();
      if (chunk.empty()) break;
      read_bytes_ += chunk.size();
      const auto published = publish(splitter_.add(chunk));
      if (!published) return published.error();
      if (splitter_.held_bytes() > kMaxPieceBytes) {
        return Error(make_error_code(std::errc::message_size), "piece without a delimiter");
      }
      show_progress(total_bytes);
    }
    const std::string_view rest = splitter_.rest();
    if (!signal_.has_come() && !rest.empty()) return publish({&rest, 1});
    return {};
  }

  Result<void> publish(std::span<const std::string_view> pieces) {
    const std::size_t most = batches() ? static_cast<std::size_t>(options_.batch) : 1;
    while (!pieces.empty() && !signal_.has_come()) {
      if (auto result = failure(); !result) return result;
      std::size_t count = batch_length(pieces, most);
      if (bucket_) count = take_tokens(count);
      for (std::size_t i = 0; i < producers_.size(); ++i) publish_to(i, pieces.first(count));
      pieces = pieces.subspan(count);
    }
    return failure();
  }

  void publish_to(std::size_t destination, std::span<const std::string_view> pieces) {
    if (pieces.empty()) return;
    auto done = [this, destination, count = pieces.size()](const PublishResult& result) {
      const Lock lock(mutex_);
      if (result) {
        tallies_[destination].acknowledged += count;
      } else if (!failure_) {
        failure_ = result.error();
      }
    };
    {
      const Lock lock(mutex_);
      tallies_[destination].sent += pieces.size();
    }
    Producer& producer = producers_[destination];
    if (pieces.size() > 1) {
      producer.multi_publish_async(options_.topic, pieces, std::move(done));
    } else if (options_.defer > Duration::zero()) {
      producer.deferred_publish_async(options_.topic, options_.defer, pieces.front(),
                                      std::move(done));
    } else {
      producer.publish_async(options_.topic, pieces.front(), std::move(done));
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

  void show_progress(std::optional<std::uint64_t> total_bytes) {
    const Instant now = Instant::now();
    if (!progress_.is_due(now)) return;
    ProgressState state{.bytes = read_bytes_, .total_bytes = total_bytes};
    {
      const Lock lock(mutex_);
      // A message has arrived when the slowest destination has it.
      const auto slowest = std::min_element(
          tallies_.begin(), tallies_.end(),
          [](const Tally& a, const Tally& b) { return a.acknowledged < b.acknowledged; });
      state.messages = slowest->acknowledged;
    }
    progress_.draw(state, now);
  }

  // The first publish that failed.
  Result<void> failure() {
    const Lock lock(mutex_);
    if (failure_) return *failure_;
    return {};
  }

  void tell_missing() {
    const Lock lock(mutex_);
    for (std::size_t i = 0; i < tallies_.size(); ++i) {
      if (tallies_[i].acknowledged == tallies_[i].sent) continue;
      notice(fmt::format("({}) {} of {} messages acknowledged", options_.nsqd_tcp_address[i],
                         tallies_[i].acknowledged, tallies_[i].sent));
    }
  }

  const PubOptions& options_;
  const StopSignal signal_{[] {}};  // ends reading; what was sent is still waited for
  Input input_;
  Splitter splitter_;
  std::optional<TokenBucket> bucket_;
  std::uint64_t read_bytes_ = 0;
  ProgressLine progress_{Instant::now()};

  Mutex mutex_;
  std::optional<Error> failure_ NSQ_GUARDED_BY(mutex_);
  std::vector<Tally> tallies_ NSQ_GUARDED_BY(mutex_);  // by destination
  std::vector<Producer> producers_;                    // call back, so they go first
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
