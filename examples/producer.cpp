// Publishes each line of standard input: example_producer [ADDRESS [TOPIC]]
#include <nsq/nsq.h>

#include <iostream>
#include <string>

int main(int argc, char** argv) {
  const std::string address = argc > 1 ? argv[1] : "127.0.0.1:4150";
  const std::string topic = argc > 2 ? argv[2] : "greetings";
  auto producer = nsq::Producer::create(address);
  if (!producer) {
    std::cerr << producer.error().to_string() << '\n';
    return 1;
  }
  for (std::string line; std::getline(std::cin, line);) {
    if (const auto stored = producer->publish(topic, line); !stored) {
      std::cerr << stored.error().to_string() << '\n';
      return 1;
    }
  }
}
