// Prints messages until SIGINT or SIGTERM: example_consumer [ADDRESS [TOPIC [CHANNEL]]]
#include <nsq/nsq.h>

#include <iostream>
#include <string>

#include "signals.h"

int main(int argc, char** argv) {
  const Signals signals;
  nsq::ConsumerOptions options;
  options.topic = argc > 2 ? argv[2] : "greetings";
  options.channel = argc > 3 ? argv[3] : "example";
  options.config.max_in_flight = 100;
  options.concurrency = 4;
  options.handler = [](nsq::Message& message) -> nsq::Result<void> {
    if (message.body() == "bad") return nsq::failure("I do not like it");  // comes again, later
    std::cout << std::string(message.body()) + "\n" << std::flush;
    return {};
  };
  auto consumer = nsq::Consumer::create(options);
  if (!consumer) {
    std::cerr << consumer.error().to_string() << '\n';
    return 1;
  }
  if (const auto connected = consumer->connect_to_nsqd(argc > 1 ? argv[1] : "127.0.0.1:4150");
      !connected) {
    std::cerr << connected.error().to_string() << '\n';
    return 1;
  }
  signals.wait();
  consumer->stop();
  consumer->wait();
}
