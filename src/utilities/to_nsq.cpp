#include "utilities/to_nsq.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "client/names.h"
#include "nsq/consumer.h"
#include "utilities/forwarder.h"
#include "utilities/notice.h"
#include "utilities/stop_signal.h"

namespace nsq::utilities {
namespace {

constexpr std::int64_t kMaxStatusEvery = 1'000'000;
constexpr std::size_t kMaxShownBytes = 200;  // of a body that is no JSON

bool contains(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

// A topic that would be published to where it comes from, as far as the options show it.
std::optional<std::string> find_circle(const ToNsqOptions& options) {
  const std::string& to = options.destination_topic;
  if (!to.empty() && !contains(options.topic, to)) return std::nullopt;
  for (const std::string& address : options.destination_nsqd_tcp_address) {
    if (!contains(options.source.nsqd_tcp_address, address)) continue;
    return fmt::format(
        "Warning: messages will go round for ever: {} is source and destination of topic {}",
        address, to.empty() ? options.topic.front() : to);
  }
  return std::nullopt;
}

// What is wrong with the options, in the order the original looks at them.
std::optional<std::string> find_mistake(const ToNsqOptions& options) {
  if (options.topic.empty() || options.channel.empty()) {
    return "--topic and --channel are required";
  }
  for (const std::string& topic : options.topic) {
    if (!client::is_valid_name(topic)) return "--topic is invalid";
  }
  if (!options.destination_topic.empty() && !client::is_valid_name(options.destination_topic)) {
    return "--destination-topic is invalid";
  }
  if (!client::is_valid_name(options.channel)) return "--channel is invalid";
  if (auto mistake = find_mistake(options.source)) return mistake;
  if (options.destination_nsqd_tcp_address.empty()) {
    return "--destination-nsqd-tcp-address required";
  }
  if (!parse_pool_mode(options.mode)) {
    return "--mode must be hostpool, epsilon-greedy or round-robin";
  }
  if (options.max_in_flight < 0) return "--max-in-flight should not be negative";
  if (options.status_every < 0 || options.status_every > kMaxStatusEvery) {
    return fmt::format("--status-every must be [0,{}]", kMaxStatusEvery);
  }
  return std::nullopt;
}

void log_line(LogLevel, std::string_view line) {
  notice(line);
}

// One run of the program: a consumer for each topic, and one forwarder for all of them.
class ToNsq {
 public:
  explicit ToNsq(const ToNsqOptions& options) : options_(options) {}

  int run() {
    if (const auto opened = open(); !opened) {
      notice(opened.error().to_string());
      return EXIT_FAILURE;
    }
    const StopSignal signal([this] { stop(); });
    for (Topic& topic : topics_) {
      if (const auto connected = connect(*topic.consumer, options_.source);
          !connected && !stopping_) {
        notice(connected.error().to_string());
        exit_status_ = EXIT_FAILURE;
        stop();
      }
    }
    for (Topic& topic : topics_) topic.consumer->wait();
    forwarder_->stop();  // which lets go of handlers that wait for a destination
    return exit_status_;
  }

 private:
  struct Topic {
    std::string destination;
    JsonFilter filter;
    std::unique_ptr<Consumer> consumer;
  };

  Result<void> open() {
    Forwarder::Options forwarder{.addresses = options_.destination_nsqd_tcp_address,
                                 .mode = *parse_pool_mode(options_.mode),
                                 .config = options_.producer,
                                 .logging = {.sink = log_line},
                                 .status_every = static_cast<std::size_t>(options_.status_every)};
    auto created = Forwarder::create(std::move(forwarder));
    if (!created) {
      return Error(created.error().code(),
                   fmt::format("failed creating producer {}", created.error().to_string()));
    }
    forwarder_ = std::move(*created);
    topics_.reserve(options_.topic.size());
    for (const std::string& topic : options_.topic) {
      if (auto added = add(topic); !added) return added;
    }
    return {};
  }

  Result<void> add(const std::string& topic) {
    ConsumerOptions consumer;
    consumer.topic = topic;
    consumer.channel = options_.channel;
    consumer.config = options_.consumer;
    consumer.config.max_in_flight = options_.max_in_flight;
    consumer.batch_handler = [this, index = topics_.size()](std::span<Message> messages) {
      on_messages(topics_[index], messages);
    };
    consumer.logging.sink = log_line;
    auto created = Consumer::create(std::move(consumer));
    if (!created) return created.error();
    topics_.push_back(
        {.destination = options_.destination_topic.empty() ? topic : options_.destination_topic,
         .filter = JsonFilter(options_.filter),
         .consumer = std::make_unique<Consumer>(std::move(*created))});
    return {};
  }

  // What does not pass the filter is left to the library, which finishes it.
  void on_messages(Topic& topic, std::span<Message> messages) {
    std::vector<Forwarder::Item> items;
    items.reserve(messages.size());
    std::vector<std::size_t> ends;  // of the items' texts in `rewritten`
    const auto rewritten = std::make_shared<std::string>();
    for (Message& message : messages) {
      if (!passes(topic.filter, message, *rewritten)) continue;
      message.disable_auto_response();
      items.push_back({message, message.body()});
      ends.push_back(rewritten->size());
    }
    if (topic.filter.rewrites()) {
      std::size_t begin = 0;
      for (std::size_t i = 0; i < items.size(); ++i) {
        items[i].body = std::string_view(*rewritten).substr(begin, ends[i] - begin);
        begin = ends[i];
      }
    }
    if (!items.empty()) forwarder_->forward(topic.destination, std::move(items), rewritten);
  }

  static bool passes(JsonFilter& filter, const Message& message, std::string& rewritten) {
    switch (filter.apply(message.body(), rewritten)) {
      case JsonFilter::Verdict::Pass:
        return true;
      case JsonFilter::Verdict::Drop:
        return false;
      case JsonFilter::Verdict::NoJson:
        break;
    }
    const std::string_view body = message.body();
    notice(fmt::format("ERROR: Unable to decode json: {:?}{}", body.substr(0, kMaxShownBytes),
                       body.size() > kMaxShownBytes ? "..." : ""));
    return false;
  }

  void stop() {
    if (stopping_.exchange(true)) return;
    for (const Topic& topic : topics_) topic.consumer->stop();
  }

  const ToNsqOptions& options_;
  std::unique_ptr<Forwarder> forwarder_;  // outlives the consumers, whose handlers use it
  std::vector<Topic> topics_;             // does not change once consumers run
  std::atomic<bool> stopping_{false};
  std::atomic<int> exit_status_{EXIT_SUCCESS};
};

}  // namespace

int to_nsq(const ToNsqOptions& options) {
  if (const auto mistake = find_mistake(options)) {
    notice(*mistake);
    return EXIT_FAILURE;
  }
  if (const auto warning = find_short_window(options.status_every)) notice(*warning);
  if (const auto warning = find_circle(options)) notice(*warning);
  ToNsq program(options);
  return program.run();
}

}  // namespace nsq::utilities
