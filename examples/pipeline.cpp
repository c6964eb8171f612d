// Three stages, here in one process; each could be a program of its own:
//
//   visits ──► enriched visits ──► visits per minute and section
//
// A raw visit is "UNIX-SECONDS PATH". The last stage keeps the messages of a minute unanswered
// until what it made of them is published: a crash loses no visit, it only counts some of them
// later.
//
//   example_pipeline [ADDRESS]
#include <nsq/nsq.h>

#include <charconv>
#include <iostream>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "signals.h"

namespace {

constexpr std::int64_t kWindowSeconds = 60;

// "1700000000 /shop/shoes" becomes "1700000000 shop /shop/shoes". Published before the raw visit
// is finished; if that fails, the raw visit comes again.
nsq::Result<void> enrich(nsq::Producer& producer, const nsq::Message& raw) {
  const std::string_view visit = raw.body();
  const std::size_t space = visit.find(' ');
  if (space == std::string_view::npos || visit.substr(space, 2) != " /") return {};  // no visit
  const std::string_view path = visit.substr(space + 1);
  const std::string_view section = path.substr(1, path.find('/', 1) - 1);
  return producer.publish(
      "visits_enriched",
      std::string(visit.substr(0, space)).append(" ").append(section).append(" ").append(path));
}

// Counts the visits of a minute. Time is that of the visits: a window ends when one of a later
// minute comes, or when nothing has come for a while.
class Windows {
 public:
  explicit Windows(nsq::Producer& producer) : producer_(producer) {}

  void add(nsq::Message& visit) {
    const std::string_view text = visit.body();
    std::int64_t seconds = 0;
    std::from_chars(text.data(), text.data() + text.size(), seconds);
    const std::string_view rest = text.substr(text.find(' ') + 1);
    const std::lock_guard lock(mutex_);
    const std::int64_t minute = seconds - seconds % kWindowSeconds;
    if (minute > minute_) flush_locked();
    minute_ = std::max(minute_, minute);
    ++counts_[std::string(rest.substr(0, rest.find(' ')))];
    visit.disable_auto_response();
    held_.push_back(visit);
  }

  void flush() {
    const std::lock_guard lock(mutex_);
    flush_locked();
  }

 private:
  void flush_locked() {
    if (held_.empty()) return;
    std::vector<std::string> lines;
    for (const auto& [section, count] : counts_) {
      lines.push_back(std::to_string(minute_) + " " + section + " " + std::to_string(count));
    }
    const bool is_stored = producer_.multi_publish("visits_per_minute", lines).ok();
    for (nsq::Message& visit : held_) is_stored ? visit.finish() : visit.requeue();
    held_.clear();
    counts_.clear();
  }

  nsq::Producer& producer_;
  std::mutex mutex_;
  std::int64_t minute_ = 0;
  std::map<std::string, int> counts_;
  std::vector<nsq::Message> held_;
};

nsq::Consumer subscribe(const std::string& address, nsq::ConsumerOptions options) {
  auto consumer = nsq::Consumer::create(std::move(options));
  const auto connected = consumer ? consumer->connect_to_nsqd(address) : consumer.error();
  if (!connected) {
    std::cerr << connected.error().to_string() << '\n';
    std::exit(1);
  }
  return std::move(*consumer);
}

}  // namespace

int main(int argc, char** argv) {
  const Signals signals;
  const std::string address = argc > 1 ? argv[1] : "127.0.0.1:4150";
  auto producer = nsq::Producer::create(address);
  if (!producer) return 1;
  Windows windows(*producer);

  nsq::ConsumerOptions enriching;
  enriching.topic = "visits";
  enriching.channel = "enrich";
  enriching.config.max_in_flight = 100;
  enriching.concurrency = 2;
  enriching.handler = [&](nsq::Message& raw) { return enrich(*producer, raw); };
  nsq::Consumer enricher = subscribe(address, std::move(enriching));

  nsq::ConsumerOptions counting;
  counting.topic = "visits_enriched";
  counting.channel = "count";
  counting.config.max_in_flight = 2000;                   // as many visits as a minute may have
  counting.config.msg_timeout = std::chrono::minutes(3);  // longer than a window is kept
  counting.handler = [&](nsq::Message& visit) { windows.add(visit); };
  nsq::Consumer counter = subscribe(address, std::move(counting));

  signals.wait();
  enricher.stop();
  enricher.wait();
  counter.stop();  // what is held is answered by the last flush
  while (!counter.wait_for(std::chrono::milliseconds(10))) windows.flush();
}
