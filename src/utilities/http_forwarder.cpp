#include "utilities/http_forwarder.h"

#include <fmt/format.h>

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <utility>

namespace nsq::utilities {
namespace {

// Messages' timeouts are looked at so often; they are seconds at least.
constexpr Duration kTouchInterval = std::chrono::milliseconds(250);

std::size_t window(std::int64_t status_every) {
  constexpr std::int64_t kMost = 1'000'000;  // durations remembered, whatever is asked for
  return static_cast<std::size_t>(std::clamp<std::int64_t>(status_every, 0, kMost));
}

}  // namespace

HttpForwarder::HttpForwarder(asio::io_context& loop, Setup setup)
    : loop_(loop),
      setup_(std::move(setup)),
      connections_(loop, setup_.client,
                   {.idle_per_server = setup_.requests,
                    .idle = std::max<std::size_t>(setup_.requests, 100)}),
      of_all_("aggregate", window(setup_.status_every)),
      next_(waiting_.end()),
      touch_timer_(loop) {
  if (setup_.mode) pool_.emplace(*setup_.mode, setup_.targets.size());
  if (setup_.targets.size() < 2) return;
  for (const HttpTarget& target : setup_.targets) {
    of_each_.emplace_back(target.name(), window(setup_.status_every));
  }
}

void HttpForwarder::forward(std::vector<Message> messages) {
  const Instant now = Instant::now();
  for (Message& message : messages) {
    const auto place = waiting_.insert(waiting_.end(), {std::move(message), now});
    if (next_ == waiting_.end()) next_ = place;
  }
  start_requests();
  touch_later();
}

void HttpForwarder::start_requests() {
  while (under_way_ < setup_.requests && next_ != waiting_.end()) {
    ++under_way_;
    asio::co_spawn(loop_, deal_with(next_++), asio::detached);
  }
}

asio::awaitable<void> HttpForwarder::deal_with(Place place) {
  const Instant begin = Instant::now();
  const std::string_view body = place->message.body();
  std::optional<std::string> failure;
  if (pool_) {
    failure = co_await send_to_one(body);
  } else {
    failure = co_await send_to_all(body);
  }
  if (failure) {
    place->message.fail(*failure);
  } else {
    place->message.finish();
    report(of_all_, Instant::now() - begin);
  }
  waiting_.erase(place);
  --under_way_;
  start_requests();
}

asio::awaitable<std::optional<std::string>> HttpForwarder::send_to_one(std::string_view body) {
  const Instant begin = Instant::now();
  const std::size_t target = pool_->pick(begin);
  auto failure = co_await send(target, body);
  const Instant end = Instant::now();
  if (failure) {
    pool_->failed(target, end);
  } else {
    pool_->succeeded(target, end - begin, end);
  }
  co_return failure;
}

// Those after the one that fails get it when the message comes again; those before it, too.
asio::awaitable<std::optional<std::string>> HttpForwarder::send_to_all(std::string_view body) {
  for (std::size_t target = 0; target < setup_.targets.size(); ++target) {
    auto failure = co_await send(target, body);
    if (failure) co_return failure;
  }
  co_return std::nullopt;
}

asio::awaitable<std::optional<std::string>> HttpForwarder::send(std::size_t target,
                                                                std::string_view body) {
  const Instant begin = Instant::now();
  http::ClientRequest request = setup_.targets[target].request(body);
  const auto response = co_await connections_.fetch(std::move(request));
  if (!response) co_return response.error().to_string();
  if (!setup_.targets[target].is_success(response->status)) {
    co_return fmt::format("got status code {}", response->status);
  }
  if (!of_each_.empty()) report(of_each_[target], Instant::now() - begin);
  co_return std::nullopt;
}

void HttpForwarder::report(TimingReport& timing, Duration took) {
  if (const auto line = timing.add(took)) setup_.report(*line);
}

void HttpForwarder::touch_later() {
  if (waiting_.empty() || std::exchange(is_touch_armed_, true)) return;
  touch_timer_.expires_after(kTouchInterval);
  touch_timer_.async_wait([this](std::error_code error) {
    if (error) return;
    is_touch_armed_ = false;
    touch_all(Instant::now());
    touch_later();
  });
}

void HttpForwarder::touch_all(Instant now) {
  for (Waiting& waiting : waiting_) {
    if (now < waiting.touched + waiting.message.timeout() / 2) continue;
    waiting.message.touch();
    waiting.touched = now;
  }
}

}  // namespace nsq::utilities
