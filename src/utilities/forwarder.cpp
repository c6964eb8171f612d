#include "utilities/forwarder.h"

#include <algorithm>
#include <utility>

#include "nsq/client_error.h"
#include "utilities/notice.h"

namespace nsq::utilities {
namespace {

// A command's bodies; well below the body size a daemon accepts by default, whatever the overhead.
constexpr std::size_t kParcelBytes = std::size_t{256} << 10;
constexpr std::size_t kParcelMessages = 10'000;

bool is_certainly_not_stored(const Error& error) {
  return error == ClientErrc::NotSent || error == ClientErrc::Unavailable ||
         error == ClientErrc::TooManyPending;
}

bool is_refusal(const Error& error) {
  return error == ClientErrc::Refused || error == ClientErrc::InvalidArgument;
}

void put_back(std::span<Forwarder::Item> items) {
  for (Forwarder::Item& item : items) item.message.requeue();
}

// How many of the items, from `begin` on, go into one command.
std::size_t parcel_length(std::span<const Forwarder::Item> items) {
  std::size_t bytes = 0;
  std::size_t count = 0;
  while (count < std::min(items.size(), kParcelMessages)) {
    bytes += items[count].body.size();
    if (bytes > kParcelBytes && count > 0) break;
    ++count;
  }
  return count;
}

}  // namespace

Forwarder::Forwarder(Options options)
    : options_(std::move(options)),
      pool_(options_.mode, options_.addresses.size()),
      all_times_("aggregate", options_.status_every) {
  for (const std::string& address : options_.addresses) {
    times_.emplace_back(address, options_.status_every);
  }
}

Result<std::unique_ptr<Forwarder>> Forwarder::create(Options options) {
  std::unique_ptr<Forwarder> forwarder(new Forwarder(std::move(options)));
  if (const auto opened = forwarder->open(); !opened) return opened.error();
  return forwarder;
}

Result<void> Forwarder::open() {
  for (const std::string& address : options_.addresses) {
    ProducerOptions options;
    options.addresses = {address};
    options.config = options_.config;
    options.logging = options_.logging;
    auto created = Producer::create(std::move(options));
    if (!created) return created.error();
    producers_.push_back(std::move(*created));
  }
  return {};
}

void Forwarder::stop() {
  for (Producer& producer : producers_) producer.stop();
}

void Forwarder::forward(const std::string& topic, std::vector<Item> items,
                        std::shared_ptr<const std::string> rewritten) {
  auto sorted = sort_by_destination(std::move(items));
  for (std::size_t destination = 0; destination < sorted.size(); ++destination) {
    std::span<Item> left = sorted[destination];
    while (!left.empty()) {
      const std::size_t count = parcel_length(left);
      const auto parcel = std::make_shared<Parcel>();
      parcel->topic = topic;
      parcel->items.assign(
          std::make_move_iterator(left.begin()),
          std::make_move_iterator(left.begin() + static_cast<std::ptrdiff_t>(count)));
      parcel->rewritten = rewritten;
      parcel->destination = destination;
      send(parcel);
      left = left.subspan(count);
    }
  }
}

// Messages take turns one by one. The fast destinations of EpsilonGreedy get all of them together:
// its choice costs more than a message, and the next batch makes another one.
std::vector<std::vector<Forwarder::Item>> Forwarder::sort_by_destination(std::vector<Item> items) {
  std::vector<std::vector<Item>> sorted(producers_.size());
  const Instant now = Instant::now();
  if (producers_.size() == 1 || options_.mode == PoolMode::EpsilonGreedy) {
    sorted[pool_.pick(now)] = std::move(items);
  } else {
    for (Item& item : items) sorted[pool_.pick(now)].push_back(std::move(item));
  }
  return sorted;
}

void Forwarder::send(const ParcelPtr& parcel) {
  parcel->begin = Instant::now();
  Producer& producer = producers_[parcel->destination];
  auto done = [this, parcel](const PublishResult& result) { on_answer(parcel, result); };
  if (parcel->items.size() == 1) {
    producer.publish_async(parcel->topic, parcel->items.front().body, std::move(done));
    return;
  }
  std::vector<std::string_view> bodies;
  bodies.reserve(parcel->items.size());
  for (const Item& item : parcel->items) bodies.push_back(item.body);
  producer.multi_publish_async(parcel->topic, bodies, std::move(done));
}

void Forwarder::on_answer(const ParcelPtr& parcel, const PublishResult& result) {
  const Instant now = Instant::now();
  count(parcel->destination, parcel->items.size(), now - parcel->begin);
  if (result) {
    pool_.succeeded(parcel->destination, now - parcel->begin, now);
    for (Item& item : parcel->items) item.message.finish();
    return;
  }
  const Error& error = result.error();
  if (is_refusal(error)) {
    // The daemon is well; it is a message it does not want.
    if (parcel->items.size() > 1) return send_next(parcel);
    return put_back(parcel->items);
  }
  pool_.failed(parcel->destination, now);
  if (is_certainly_not_stored(error)) return try_elsewhere(parcel);
  put_back(parcel->items);
}

void Forwarder::try_elsewhere(const ParcelPtr& parcel) {
  if (++parcel->failures >= producers_.size()) return put_back(parcel->items);
  const std::size_t next = pool_.pick(Instant::now());
  parcel->destination =
      next != parcel->destination ? next : (parcel->destination + 1) % producers_.size();
  send(parcel);
}

// Each only after the answer to the one before, because the daemon closes the connection with the
// refusal, and what was sent behind it would be lost in it.
void Forwarder::send_next(const ParcelPtr& parcel) {
  if (parcel->next == parcel->items.size()) return;
  parcel->begin = Instant::now();
  producers_[parcel->destination].publish_async(
      parcel->topic, parcel->items[parcel->next].body,
      [this, parcel](const PublishResult& result) { on_next_answer(parcel, result); });
}

void Forwarder::on_next_answer(const ParcelPtr& parcel, const PublishResult& result) {
  Item& item = parcel->items[parcel->next];
  // It may have met the connection that ends with the refusal before it.
  if (!result && result.error() == ClientErrc::NotSent &&
      !std::exchange(parcel->has_been_tried, true)) {
    return send_next(parcel);
  }
  parcel->has_been_tried = false;
  if (!result && !is_refusal(result.error())) {
    return put_back(std::span(parcel->items).subspan(parcel->next));
  }
  if (result) {
    item.message.finish();
  } else {
    item.message.requeue();
  }
  ++parcel->next;
  send_next(parcel);
}

void Forwarder::count(std::size_t destination, std::size_t messages, Duration took) {
  const Lock lock(mutex_);
  for (; messages > 0; --messages) {
    if (const auto line = all_times_.add(took)) notice(*line);
    if (producers_.size() == 1) continue;
    if (const auto line = times_[destination].add(took)) notice(*line);
  }
}

}  // namespace nsq::utilities
