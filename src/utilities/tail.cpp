#include "utilities/tail.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/signal_set.hpp>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string_view>
#include <utility>

#include "client/consumer.h"
#include "client/names.h"
#include "utilities/notice.h"
#include "utilities/printer.h"

namespace nsq::utilities {
namespace {

constexpr Duration kStopLimit = std::chrono::seconds(30);

std::string private_channel() {
  std::random_device random;
  return fmt::format("tail{:06}#ephemeral", random() % 1'000'000);
}

// What is wrong with the options, in the order the original looks at them.
std::optional<std::string> find_mistake(const TailOptions& options) {
  if (options.nsqd_tcp_address.empty() && options.lookupd_http_address.empty()) {
    return "--nsqd-tcp-address or --lookupd-http-address required";
  }
  if (!options.nsqd_tcp_address.empty() && !options.lookupd_http_address.empty()) {
    return "use --nsqd-tcp-address or --lookupd-http-address not both";
  }
  if (options.topic.empty()) return "--topic required";
  if (options.max_in_flight < 0) return "--max-in-flight should not be negative";
  for (const std::string& topic : options.topic) {
    if (!client::is_valid_name(topic)) return "invalid topic name";
  }
  if (!options.channel.empty() && !client::is_valid_name(options.channel)) {
    return "invalid channel name";
  }
  if (!options.lookupd_http_address.empty()) {
    return "--lookupd-http-address comes with a later version; use --nsqd-tcp-address";
  }
  return std::nullopt;
}

// One run of the program. Everything happens on one loop; only the printer has a thread of its own,
// and reports back by posting.
class Tail {
 public:
  explicit Tail(const TailOptions& options)
      : options_(options),
        signals_(loop_, SIGINT, SIGTERM),
        printer_(
            STDOUT_FILENO,
            {[this](std::size_t texts) { asio::post(loop_, [=, this] { on_printed(texts); }); },
             [this](int error) { asio::post(loop_, [=, this] { on_print_failed(error); }); }}) {
    const std::string channel = options.channel.empty() ? private_channel() : options.channel;
    for (const std::string& topic : options.topic) {
      topics_.push_back({make_consumer(topics_.size(), topic, channel), options.n});
    }
  }

  int run() {
    wait_for_signal();
    asio::co_spawn(loop_, start(), asio::detached);
    loop_.run();
    return exit_status_;
  }

 private:
  struct Topic {
    std::shared_ptr<client::Consumer> consumer;
    std::int64_t wanted;  // messages still to print, if there is a limit
  };
  // Messages handed to the printer together, to be finished when it has written them.
  struct Printing {
    std::size_t topic;
    std::vector<client::MessageHandle> messages;
  };

  std::shared_ptr<client::Consumer> make_consumer(std::size_t index, const std::string& topic,
                                                  const std::string& channel) {
    client::ConsumerOptions consumer;
    consumer.number = static_cast<int>(index) + 1;
    consumer.topic = topic;
    consumer.channel = channel;
    consumer.addresses = options_.nsqd_tcp_address;
    consumer.max_in_flight =
        limited() ? std::min(options_.n, options_.max_in_flight) : options_.max_in_flight;
    consumer.connection.user_agent = options_.user_agent;
    return std::make_shared<client::Consumer>(
        loop_, std::move(consumer),
        [this, index](std::span<const client::Message> messages) { on_messages(index, messages); },
        notice);
  }

  asio::awaitable<void> start() {
    for (const Topic& topic : topics_) {
      notice("Adding consumer for topic: " + topic.consumer->options().topic);
      const auto started = co_await topic.consumer->start();
      if (stopping_) co_return;
      if (!started) co_return fail(started.error().to_string());
    }
  }

  bool limited() const { return options_.n > 0; }

  void on_messages(std::size_t index, std::span<const client::Message> messages) {
    Topic& topic = topics_[index];
    std::size_t count = messages.size();
    if (limited()) count = std::min(count, static_cast<std::size_t>(topic.wanted));
    if (stopping_ && limit_reached_) count = 0;
    if (count > 0) print(index, messages.first(count));
    topic.wanted -= static_cast<std::int64_t>(count);
    if (limited() && topic.wanted == 0) {
      limit_reached_ = true;
      stop();  // before anything is given back, which would only come again
    }
    give_back(topic, messages.subspan(count));
  }

  void print(std::size_t index, std::span<const client::Message> messages) {
    Printing& printing = printing_.emplace_back(Printing{index, {}});
    text_.clear();
    for (const client::Message& message : messages) {
      if (options_.print_topic) text_.append(options_.topic[index]).append(" | ");
      text_.append(message.body).append("\n");
      printing.messages.push_back(message.handle);
    }
    printer_.print(text_);
  }

  void on_printed(std::size_t texts) {
    for (; texts > 0; --texts) {
      const Printing printed = std::move(printing_.front());
      printing_.pop_front();
      topics_[printed.topic].consumer->finish(printed.messages);
    }
  }

  static void give_back(const Topic& topic, std::span<const client::Message> messages) {
    std::vector<client::MessageHandle> handles;
    for (const client::Message& message : messages) handles.push_back(message.handle);
    if (!handles.empty()) topic.consumer->requeue(handles, Duration::zero());
  }

  void on_print_failed(int error) {
    fail(fmt::format("ERROR: failed to write to standard output - {}", std::strerror(error)));
  }

  void fail(std::string_view text) {
    notice(text);
    exit_status_ = EXIT_FAILURE;
    loop_.stop();
  }

  void wait_for_signal() {
    signals_.async_wait([this](std::error_code error, int) {
      if (error) return;
      if (stopping_) std::_Exit(EXIT_FAILURE);  // for whoever will not wait
      wait_for_signal();
      stop();
    });
  }

  void stop() {
    if (std::exchange(stopping_, true)) return;
    for (const Topic& topic : topics_) {
      topic.consumer->stop();
      ++unstopped_;
      asio::co_spawn(loop_, wait_until_stopped(topic.consumer), asio::detached);
    }
  }

  asio::awaitable<void> wait_until_stopped(std::shared_ptr<client::Consumer> consumer) {
    co_await consumer->stopped(kStopLimit);
    if (--unstopped_ == 0) loop_.stop();
  }

  const TailOptions& options_;
  asio::io_context loop_{1};
  asio::signal_set signals_;
  std::vector<Topic> topics_;
  std::deque<Printing> printing_;  // in the order they were given to the printer
  std::string text_;               // reused from batch to batch
  bool stopping_ = false;
  bool limit_reached_ = false;
  std::size_t unstopped_ = 0;  // consumers
  int exit_status_ = EXIT_SUCCESS;
  Printer printer_;
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
