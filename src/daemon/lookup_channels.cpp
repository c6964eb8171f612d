#include "daemon/lookup_channels.h"

#include <fmt/format.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/use_awaitable.hpp>
#include <utility>

#include "base/log.h"
#include "http/client.h"
#include "http/percent.h"
#include "protocol/discovery.h"
#include "protocol/names.h"

namespace nsq::daemon {
namespace {

constexpr auto kUseTuple = asio::experimental::as_tuple(asio::use_awaitable);

// Topics asked for at the same time; the others wait their turn.
constexpr std::size_t kTopicsAtOnce = 64;
constexpr std::size_t kMaxAnswerBytes = 1 << 20;

// What a lookupd answered, and why it cannot be used.
Result<std::vector<std::string>> channels_in(const Result<http::ClientResponse>& response) {
  if (!response) return response.error();
  const auto bad = std::make_error_code(std::errc::bad_message);
  if (response->status != 200) return Error(bad, fmt::format("got response {}", response->status));
  auto channels = protocol::parse_channels_answer(response->body);
  if (!channels) return Error(bad, "not a list of channels");
  return std::move(*channels);
}

}  // namespace

void LookupChannels::prepare(std::shared_ptr<broker::Topic> topic) {
  waiting_.push_back({std::move(topic), Instant::now() + home_.limit});
  start_some();
}

void LookupChannels::start_some() {
  while (!waiting_.empty() && under_way_ < kTopicsAtOnce) {
    // Taken out first: it may be done, and have come back here, before co_spawn returns.
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    ++under_way_;
    asio::co_spawn(home_.loop, prepare_one(shared_from_this(), std::move(next)), asio::detached);
  }
}

asio::awaitable<void> LookupChannels::prepare_one(std::shared_ptr<LookupChannels> self,
                                                  Waiting waiting) {
  co_await self->wait_until_settled(waiting.deadline);
  co_await self->ask_all(*waiting.topic, waiting.deadline);
  waiting.topic->start(Moment::now());
  --self->under_way_;
  self->start_some();
}

void LookupChannels::on_news() {
  if (!home_.is_settled()) return;
  for (asio::steady_timer* timer : unsettled_) timer->cancel();
}

// At the start nobody may have been connected to yet.
asio::awaitable<void> LookupChannels::wait_until_settled(Instant deadline) {
  if (home_.is_settled()) co_return;
  asio::steady_timer timer(home_.loop, deadline.to_steady());
  unsettled_.insert(&timer);
  co_await timer.async_wait(kUseTuple);
  unsettled_.erase(&timer);
}

asio::awaitable<void> LookupChannels::ask_all(const broker::Topic& topic, Instant deadline) {
  const std::vector<std::string> addresses = home_.addresses();
  if (addresses.empty()) {
    log::error("no available nsqlookupd to query for channels to pre-create for topic {}",
               topic.name());
    co_return;
  }
  const auto inquiry = std::make_shared<Inquiry>();
  asio::steady_timer done(home_.loop, deadline.to_steady());
  inquiry->unanswered = addresses.size();
  inquiry->done = &done;
  for (const std::string& address : addresses) {
    asio::co_spawn(home_.loop, ask_one(address, topic.name(), inquiry), asio::detached);
  }
  if (inquiry->unanswered > 0) co_await done.async_wait(kUseTuple);
  inquiry->done = nullptr;
  if (inquiry->unanswered > 0) {
    log::warning("TOPIC({}): started although {} nsqlookupd did not tell its channels in time",
                 topic.name(), inquiry->unanswered);
  }
  for (const std::string& channel : inquiry->channels) {
    home_.broker.create_channel(topic.name(), channel, Moment::now(), [](const Result<void>&) {
      // A topic deleted meanwhile needs no channels.
    });
  }
}

asio::awaitable<void> LookupChannels::ask_one(std::string address, std::string topic,
                                              std::shared_ptr<Inquiry> inquiry) {
  http::ClientRequest request;
  request.url = fmt::format("http://{}/channels?topic={}", address, http::encode_query(topic));
  request.headers.emplace_back("Accept", "application/vnd.nsq; version=1.0");
  http::ClientOptions options;
  options.connect_timeout = home_.connect_limit;
  options.request_timeout = home_.limit;
  options.response_bytes = kMaxAnswerBytes;
  const auto channels =
      channels_in(co_await http::fetch(home_.loop, std::move(request), std::move(options)));
  if (inquiry->done == nullptr) co_return;
  --inquiry->unanswered;
  if (!channels) {
    log::warning("failed to query nsqlookupd {} for channels to pre-create for topic {} - {}",
                 address, topic, channels.error().to_string());
  } else {
    for (const std::string& channel : *channels) {
      if (!protocol::is_ephemeral(channel)) inquiry->channels.insert(channel);
    }
  }
  if (inquiry->unanswered == 0) inquiry->done->cancel();
}

}  // namespace nsq::daemon
