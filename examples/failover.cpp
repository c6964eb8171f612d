// Publishes lines to the first daemon that can be reached, and says what became of each:
//
//   example_failover TOPIC ADDRESS...
//
// What certainly was not stored goes to the next daemon by itself. When a connection ends before
// the answer, nobody knows: this program prefers a message twice over none, and publishes it again.
#include <nsq/nsq.h>

#include <iostream>
#include <string>

namespace {

constexpr int kTries = 5;

nsq::PublishResult publish(nsq::Producer& producer, const std::string& topic,
                           const std::string& line) {
  nsq::PublishResult result;
  for (int i = 0; i < kTries; ++i) {
    result = producer.publish(topic, line);
    if (result || result.error() != nsq::ClientErrc::OutcomeUnknown) break;
    std::cerr << "perhaps twice: " << line << '\n';
  }
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: example_failover TOPIC ADDRESS...\n";
    return 2;
  }
  nsq::ProducerOptions options;
  options.addresses.assign(argv + 2, argv + argc);
  options.distribution = nsq::Distribution::PrimaryStandby;
  auto producer = nsq::Producer::create(options);
  if (!producer) {
    std::cerr << producer.error().to_string() << '\n';
    return 1;
  }
  for (std::string line; std::getline(std::cin, line);) {
    const auto result = publish(*producer, argv[1], line);
    std::cout << (result ? "stored: " : "failed: ") << line << '\n' << std::flush;
    if (!result) std::cerr << result.error().to_string() << '\n';
  }
}
