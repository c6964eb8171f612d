// A lookupd with as much registered as a large cluster has: how long registering takes, what it
// costs in memory, and how fast questions are answered, alone and beside large ones.
//
//   lookupd_bench [TOPICS [DAEMONS [LOOKUPS]]]      10000 100 20000
#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/log.h"
#include "lookupd/lookupd.h"
#include "protocol/discovery.h"
#include "support/http_client.h"
#include "support/tcp.h"

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using nsq::test::HttpClient;

namespace {

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

double resident_mib() {
  std::ifstream statm("/proc/self/statm");
  long total = 0;
  long resident = 0;
  statm >> total >> resident;
  return static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE)) / (1 << 20);
}

// A daemon that registers topics with one channel each and stays.
class Registrant {
 public:
  Registrant(int port, int number, int topics)
      : socket_(nsq::test::connect_tcp("127.0.0.1", static_cast<std::uint16_t>(port))) {
    std::string bytes(nsq::protocol::kMagicV1);
    bytes += "IDENTIFY\n";
    nsq::protocol::append_answer(
        bytes, nsq::protocol::encode_daemon_identity(
                   {.broadcast_address = fmt::format("node-{:03}.example.com", number),
                    .hostname = fmt::format("node-{:03}", number),
                    .tcp_port = 4150,
                    .http_port = 4151,
                    .version = "1.4.0"}));
    for (int i = 0; i < topics; ++i) bytes += fmt::format("REGISTER topic-{:05} channel\n", i);
    std::thread reader([this, topics] { await("OK", topics); });
    nsq::test::send_all(socket_, bytes);
    reader.join();
  }
  ~Registrant() { ::close(socket_); }
  Registrant(const Registrant&) = delete;

 private:
  // Reads until so many answers of these bytes have come.
  void await(std::string_view text, int count) {
    std::string received;
    char bytes[65536];
    const std::string answer = fmt::format("{}{}", std::string("\0\0\0\2", 4), text);
    while (count > 0) {
      const ssize_t size = ::read(socket_, bytes, sizeof bytes);
      if (size <= 0) std::abort();
      received.append(bytes, static_cast<std::size_t>(size));
      std::size_t end = 0;
      for (auto at = received.find(answer); at != std::string::npos;
           at = received.find(answer, end)) {
        end = at + answer.size();
        --count;
      }
      received.erase(0, std::max(end, received.size() - std::min(received.size(), answer.size())));
    }
  }

  const int socket_;
};

void ask_lookups(int port, int topics, int lookups, const char* what) {
  HttpClient client("127.0.0.1", static_cast<std::uint16_t>(port));
  std::mt19937 random(1);
  std::vector<double> times;
  for (int i = 0; i < lookups; ++i) {
    const std::string target =
        fmt::format("/lookup?topic=topic-{:05}", random() % static_cast<unsigned>(topics));
    const auto start = Clock::now();
    if (client.get(target).status != 200) std::abort();
    times.push_back(ms_since(start));
  }
  std::sort(times.begin(), times.end());
  const auto at = [&](double share) {
    return times[static_cast<std::size_t>(share * static_cast<double>(times.size() - 1))];
  };
  fmt::print("{:<34} p50 {:.3f} ms, p99 {:.3f} ms, p99.9 {:.3f} ms\n", what, at(0.5), at(0.99),
             at(0.999));
}

void ask_once(int port, const char* target) {
  HttpClient client("127.0.0.1", static_cast<std::uint16_t>(port));
  double best = 1e9;
  std::size_t bytes = 0;
  for (int i = 0; i < 5; ++i) {
    const auto start = Clock::now();
    bytes = client.get(target).body.size();
    best = std::min(best, ms_since(start));
  }
  fmt::print("{:<34} {:.2f} ms, {:.2f} MB\n", target, best, static_cast<double>(bytes) / 1e6);
}

}  // namespace

int main(int argc, char** argv) {
  const int topics = argc > 1 ? std::atoi(argv[1]) : 10'000;
  const int daemons = argc > 2 ? std::atoi(argv[2]) : 100;
  const int lookups = argc > 3 ? std::atoi(argv[3]) : 20'000;
  nsq::log::set_level(nsq::log::Level::Error);
  nsq::lookupd::Options options;
  options.tcp_address = options.http_address = "127.0.0.1:0";
  nsq::lookupd::Lookupd lookupd(options);
  if (auto started = lookupd.start(); !started) {
    fmt::print(stderr, "{}\n", started.error().context());
    return 1;
  }
  const double before = resident_mib();
  const auto start = Clock::now();
  std::vector<std::unique_ptr<Registrant>> registrants;
  for (int i = 0; i < daemons; ++i) {
    registrants.push_back(std::make_unique<Registrant>(lookupd.tcp_port(), i, topics));
  }
  const double registering = ms_since(start);
  ::malloc_trim(0);
  fmt::print("{} topics and channels x {} daemons:\n", topics, daemons);
  fmt::print("{:<34} {:.0f} ms, {:.2f} M registrations/s\n", "registering", registering,
             2e-3 * topics * daemons / registering);
  fmt::print("{:<34} {:.1f} MiB, {:.0f} bytes each\n", "memory", resident_mib() - before,
             (resident_mib() - before) * (1 << 20) / (2.0 * topics * daemons));

  ask_lookups(lookupd.http_port(), topics, lookups, "/lookup");
  ask_once(lookupd.http_port(), "/topics");
  ask_once(lookupd.http_port(), "/nodes");
  std::atomic<bool> ending = false;
  std::thread nodes([&] {
    HttpClient client("127.0.0.1", static_cast<std::uint16_t>(lookupd.http_port()));
    while (!ending) {
      client.get("/nodes");
      std::this_thread::sleep_for(100ms);
    }
  });
  ask_lookups(lookupd.http_port(), topics, lookups / 4, "/lookup beside /nodes");
  ending = true;
  nodes.join();

  const auto leaving = Clock::now();
  registrants.clear();
  HttpClient client("127.0.0.1", static_cast<std::uint16_t>(lookupd.http_port()));
  while (client.get("/nodes").body != R"({"producers":[]})") {
  }
  fmt::print("{:<34} {:.0f} ms\n", "all daemons leaving", ms_since(leaving));
  return 0;
}
