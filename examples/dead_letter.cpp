// Puts messages that keep failing aside, in a topic of their own, where they can be looked at:
//
//   example_dead_letter [ADDRESS [TOPIC]]
//
// The message is published there first and finished then; if publishing fails it is put back, so
// that none is lost.
#include <nsq/nsq.h>

#include <iostream>
#include <string>

#include "signals.h"

int main(int argc, char** argv) {
  const Signals signals;
  const std::string address = argc > 1 ? argv[1] : "127.0.0.1:4150";
  const std::string topic = argc > 2 ? argv[2] : "orders";
  auto producer = nsq::Producer::create(address);
  if (!producer) return 1;

  nsq::ConsumerOptions options;
  options.topic = topic;
  options.channel = "billing";
  options.config.max_in_flight = 10;
  options.config.max_attempts = 3;
  options.config.default_requeue_delay = std::chrono::milliseconds(50);
  options.config.max_backoff_duration = std::chrono::nanoseconds(0);  // one bad order is no reason
  options.handler = [](nsq::Message& order) -> nsq::Result<void> {
    if (order.body().find("impossible") != std::string_view::npos) return nsq::failure("no way");
    std::cout << "billed: " << order.body() << '\n' << std::flush;
    return {};
  };
  options.on_giving_up = [&](nsq::Message& order) {
    const std::string letter = "{\"topic\":\"" + topic + "\",\"channel\":\"billing\",\"id\":\"" +
                               std::string(order.id()) +
                               "\",\"attempts\":" + std::to_string(order.attempts()) +
                               ",\"bytes\":" + std::to_string(order.body().size()) + "}\n";
    // The body goes along as it is, after a line that says where it comes from.
    return producer->publish(topic + "_failed", letter + std::string(order.body())).ok();
  };
  auto consumer = nsq::Consumer::create(std::move(options));
  const auto connected = consumer ? consumer->connect_to_nsqd(address) : consumer.error();
  if (!connected) {
    std::cerr << connected.error().to_string() << '\n';
    return 1;
  }
  signals.wait();
}
