#include "utilities/tail.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string_view>
#include <utility>

#include "base/mutex.h"
#include "client/names.h"
#include "nsq/consumer.h"
#include "utilities/notice.h"
#include "utilities/standard_output.h"
#include "utilities/stop_signal.h"

namespace nsq::utilities {
namespace {

std::string private_channel() {
  std::random_device random;
  return fmt::format("tail{:06}#ephemeral", random() % 1'000'000);
}

// What is wrong with the options, in the order the original looks at them.
std::optional<std::string> find_mistake(const TailOptions& options) {
  if (auto mistake = find_mistake(options.source)) return mistake;
  if (options.topic.empty()) return "--topic required";
  if (options.max_in_flight < 0) return "--max-in-flight should not be negative";
  for (const std::string& topic : options.topic) {
    if (!client::is_valid_name(topic)) return "invalid topic name";
  }
  if (!options.channel.empty() && !client::is_valid_name(options.channel)) {
    return "invalid channel name";
  }
  return std::nullopt;
}

bool wants_colour() {
  const char* refused = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return ::isatty(STDOUT_FILENO) == 1 && (refused == nullptr || *refused == '\0') &&
         terminal != nullptr && std::string_view(terminal) != "dumb";
}

std::int64_t most_in_flight(const TailOptions& options) {
  return options.n > 0 ? std::min(options.n, options.max_in_flight) : options.max_in_flight;
}

// One run of the program. Messages are printed where they are handled, one batch after the other;
// a standard output that is stuck holds up its consumer's handler and nothing else.
class Tail {
 public:
  explicit Tail(const TailOptions& options)
      : options_(options), layout_{options.format, options.print_topic, wants_colour()} {}

  int run() {
    const std::string channel = options_.channel.empty() ? private_channel() : options_.channel;
    for (const std::string& topic : options_.topic) {
      if (!add(topic, channel)) return EXIT_FAILURE;
    }
    const StopSignal signal([this] { stop(); });
    for (Topic& topic : topics_) {
      notice("Adding consumer for topic: " + topic.name);
      if (const auto connected = connect(*topic.consumer, options_.source);
          !connected && !stopping_) {
        fail(connected.error().to_string());
      }
    }
    for (Topic& topic : topics_) topic.consumer->wait();
    // A handler that is stuck in a write would hold up the end for ever.
    if (is_printing_) std::_Exit(EXIT_FAILURE);
    return exit_status_;
  }

 private:
  struct Topic {
    std::string name;
    std::int64_t wanted;  // messages still to print, if there is a limit
    std::unique_ptr<Consumer> consumer;
  };

  bool add(const std::string& topic, const std::string& channel) {
    ConsumerOptions consumer;
    consumer.topic = topic;
    consumer.channel = channel;
    consumer.config = options_.consumer;
    consumer.config.max_in_flight = most_in_flight(options_);
    consumer.batch_handler = [this, index = topics_.size()](std::span<Message> messages) {
      on_messages(index, messages);
    };
    consumer.logging.sink = [](LogLevel, std::string_view line) { notice(line); };
    auto created = Consumer::create(std::move(consumer));
    if (!created) {
      notice(created.error().to_string());
      return false;
    }
    topics_.push_back({topic, options_.n, std::make_unique<Consumer>(std::move(*created))});
    return true;
  }

  void on_messages(std::size_t index, std::span<Message> messages) {
    Topic& topic = topics_[index];
    const Lock lock(mutex_);
    std::size_t count = messages.size();
    if (limited()) count = std::min(count, static_cast<std::size_t>(topic.wanted));
    if (limit_reached_ || exit_status_ != EXIT_SUCCESS) count = 0;
    if (count > 0 && !print(topic, messages.first(count))) count = 0;
    topic.wanted -= static_cast<std::int64_t>(count);
    if (limited() && topic.wanted == 0) {
      limit_reached_ = true;
      stop();  // before anything is given back, which would only come again
    }
    for (Message& message : messages.subspan(count)) {
      message.requeue(Duration::zero(), Backoff::No);
    }
  }

  bool print(const Topic& topic, std::span<const Message> messages) {
    text_.clear();
    for (const Message& message : messages) {
      const MessageParts parts{.topic = topic.name,
                               .id = message.id(),
                               .timestamp_ns = message.timestamp().time_since_epoch().count(),
                               .attempts = message.attempts(),
                               .source = message.nsqd_address(),
                               .body = message.body()};
      append_message(text_, parts, layout_);
    }
    is_printing_ = true;
    const auto printed = print_text(text_);
    is_printing_ = false;
    if (!printed) fail(printed.error().context());
    return printed.ok();
  }

  bool limited() const { return options_.n > 0; }

  void fail(std::string_view text) {
    notice(text);
    exit_status_ = EXIT_FAILURE;
    stop();
  }

  void stop() {
    if (stopping_.exchange(true)) return;
    for (const Topic& topic : topics_) topic.consumer->stop(Stop::GiveBack);
  }

  const TailOptions& options_;
  const MessageLayout layout_;
  std::vector<Topic> topics_;  // does not change once consumers run

  Mutex mutex_;       // for printing
  std::string text_;  // reused from batch to batch
  bool limit_reached_ = false;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> is_printing_{false};
  std::atomic<int> exit_status_{EXIT_SUCCESS};
};

}  // namespace

int tail(const TailOptions& options) {
  if (const auto mistake = find_mistake(options)) {
    notice(*mistake);
    return EXIT_FAILURE;
  }
  Tail program(options);
  return program.run();
}

}  // namespace nsq::utilities
