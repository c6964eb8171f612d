// Loads a daemon through the client library, as a program that uses it would:
//
//   client_bench --address=HOST:PORT [--count=N] [--size=BYTES] [--batch=N] [--connections=N]
//
// publishes N messages by multi_publish from one thread, consumes them with one handler thread,
// publishes some one by one, and says what a connection costs in memory. The topics are its own.
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "nsq/nsq.h"

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::string address = "127.0.0.1:4150";
  std::size_t count = 4'000'000;
  std::size_t size = 200;
  std::size_t batch = 200;
  std::size_t connections = 1000;
};

[[noreturn]] void fail(const std::string& text) {
  std::fprintf(stderr, "client_bench: %s\n", text.c_str());
  std::exit(1);
}

Options read_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument(argv[i]);
    const std::size_t equals = argument.find('=');
    if (equals == std::string_view::npos) fail("unknown argument " + std::string(argument));
    const std::string_view name = argument.substr(0, equals);
    const std::string value(argument.substr(equals + 1));
    const auto number = [&] {
      return static_cast<std::size_t>(std::strtoull(value.c_str(), nullptr, 10));
    };
    if (name == "--address")
      options.address = value;
    else if (name == "--count")
      options.count = number();
    else if (name == "--size")
      options.size = number();
    else if (name == "--batch")
      options.batch = number();
    else if (name == "--connections")
      options.connections = number();
    else
      fail("unknown argument " + std::string(argument));
  }
  return options;
}

// Of all threads of this program, which says more than the clock where others use the cores too.
double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// One run, from its beginning to its report.
class Run {
 public:
  void report(const char* what, std::size_t count) const {
    const double seconds = std::chrono::duration<double>(Clock::now() - begin_).count();
    std::printf("%-44s %10.0f msg/s  (%zu in %.2f s, %.2f s of the client's CPU)\n", what,
                static_cast<double>(count) / seconds, count, seconds, cpu_seconds() - cpu_);
    std::fflush(stdout);
  }

 private:
  const Clock::time_point begin_ = Clock::now();
  const double cpu_ = cpu_seconds();
};

nsq::Logging quiet() {
  return {.level = nsq::LogLevel::Error, .sink = {}};
}

nsq::Producer make_producer(const Options& options, std::int64_t max_pending) {
  nsq::ProducerOptions producer;
  producer.addresses = {options.address};
  producer.config.max_pending = max_pending;
  producer.logging = quiet();
  auto made = nsq::Producer::create(std::move(producer));
  if (!made) fail(made.error().to_string());
  return std::move(*made);
}

void publish_batches(const Options& options, const std::string& topic) {
  nsq::Producer producer = make_producer(options, 64);
  const std::string body(options.size, 'x');
  const std::vector<std::string_view> bodies(options.batch, body);
  std::atomic<std::size_t> failures{0};
  const Run run;
  for (std::size_t sent = 0; sent < options.count; sent += options.batch) {
    producer.multi_publish_async(topic, bodies, [&](const nsq::PublishResult& result) {
      if (!result) ++failures;
    });
  }
  producer.stop();
  run.report("Producer, multi_publish, one thread", options.count);
  if (failures > 0) fail("publishes failed");
}

void publish_singles(const Options& options, const std::string& topic) {
  nsq::Producer producer = make_producer(options, 1000);
  const std::string body(options.size, 'x');
  std::atomic<std::size_t> failures{0};
  const std::size_t count = options.count / 4;
  const Run run;
  for (std::size_t sent = 0; sent < count; ++sent) {
    producer.publish_async(topic, body, [&](const nsq::PublishResult& result) {
      if (!result) ++failures;
    });
  }
  producer.stop();
  run.report("Producer, publish, 1000 unanswered", count);
  if (failures > 0) fail("publishes failed");
}

void consume(const Options& options, const std::string& topic) {
  std::size_t left = options.count;
  std::size_t bytes = 0;
  std::mutex mutex;
  std::condition_variable done;
  bool is_done = false;
  nsq::ConsumerOptions consumer;
  consumer.topic = topic;
  consumer.channel = "bench";
  consumer.config.max_in_flight = 2500;
  consumer.logging = quiet();
  consumer.handler = [&](nsq::Message& message) {
    bytes += message.body().size();
    if (--left > 0) return;
    const std::lock_guard lock(mutex);
    is_done = true;
    done.notify_one();
  };
  auto made = nsq::Consumer::create(std::move(consumer));
  if (!made) fail(made.error().to_string());
  const Run run;
  if (const auto connected = made->connect_to_nsqd(options.address); !connected) {
    fail(connected.error().to_string());
  }
  {
    std::unique_lock lock(mutex);
    if (!done.wait_for(lock, std::chrono::minutes(5), [&] { return is_done; })) fail("too slow");
  }
  run.report("Consumer, one handler thread", options.count);
  if (bytes != options.count * options.size) fail("bodies of another size");
}

std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

void measure_memory(const Options& options) {
  std::vector<nsq::Producer> producers;
  producers.reserve(options.connections);
  // The first ones pay for what all share.
  constexpr std::size_t kWarmUp = 10;
  std::size_t before = 0;
  for (std::size_t i = 0; i < options.connections + kWarmUp; ++i) {
    if (i == kWarmUp) before = resident_bytes();
    producers.push_back(make_producer(options, 1000));
    if (const auto connected = producers.back().ping(); !connected) {
      fail(connected.error().to_string());
    }
  }
  const double each =
      static_cast<double>(resident_bytes() - before) / static_cast<double>(options.connections);
  std::printf("%-44s %10.1f KiB  (%zu producers)\n", "memory per idle connection", each / 1024,
              options.connections);
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = read_options(argc, argv);
  const std::string topic = "client_bench_" + std::to_string(::getpid());
  publish_batches(options, topic);
  consume(options, topic);
  publish_singles(options, topic + "_singles");
  if (options.connections > 0) measure_memory(options);
  return 0;
}
