#include "client/consumer.h"

#include <fmt/format.h>

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/use_awaitable.hpp>
#include <random>
#include <utility>

#include "client/client_error.h"
#include "client/commands.h"

namespace nsq::client {
namespace {

constexpr auto kUseTuple = asio::experimental::as_tuple(asio::use_awaitable);

// Up to a quarter more, so that consumers do not all come back in the same instant.
Duration with_jitter(Duration delay) {
  static thread_local std::minstd_rand random{std::random_device{}()};
  return delay +
         Duration(std::uniform_int_distribution<std::int64_t>(0, delay.count() / 4)(random));
}

Message message_from(const protocol::ReceivedMessage& received, std::uint64_t connection) {
  Message message{received.body, received.timestamp, received.attempts, {connection, {}}};
  std::copy(received.id.begin(), received.id.end(), message.handle.id.begin());
  return message;
}

}  // namespace

Consumer::Consumer(asio::io_context& loop, ConsumerOptions options, Handler on_messages, Log log)
    : loop_(loop),
      options_(std::move(options)),
      on_messages_(std::move(on_messages)),
      log_(std::move(log)),
      all_ended_(loop) {
  for (const std::string& address : options_.addresses) {
    links_.push_back(std::make_unique<Link>(loop, address));
  }
}

asio::awaitable<Result<void>> Consumer::start() {
  for (const auto& link : links_) {
    if (const auto connected = co_await connect(*link); !connected) co_return connected.error();
    ++running_;
    asio::co_spawn(loop_, keep_connected(shared_from_this(), *link), asio::detached);
  }
  co_return Result<void>();
}

asio::awaitable<Result<void>> Consumer::connect(Link& link) {
  tell("INF", link.address, "connecting to nsqd");
  auto opened = co_await Connection::open(loop_, link.address, options_.connection);
  if (!opened) co_return opened.error();
  if (stopping_) {
    (*opened)->close();
    co_return Error(ClientErrc::Disconnected, "");
  }
  link.connection = std::move(*opened);
  link.number = ++last_number_;
  link.ready_count = -1;
  link.in_flight = 0;
  link.close_wait = link.subscribed = false;
  std::string command;
  append_sub(command, options_.topic, options_.channel);
  link.connection->send(command);
  share_ready_count();
  co_return Result<void>();
}

// Requires: connected.
asio::awaitable<void> Consumer::keep_connected(SelfPtr self, Link& link) {
  Duration delay = self->options_.first_reconnect_delay;
  while (true) {
    if (link.connection) {
      const Error reason = co_await self->consume(link);
      if (link.subscribed) delay = self->options_.first_reconnect_delay;
      self->disconnected(link, reason);
    }
    if (self->stopping_) break;
    const Duration wait = with_jitter(delay);
    const auto wait_ms = std::chrono::duration_cast<std::chrono::milliseconds>(wait).count();
    self->tell("INF", link.address, fmt::format("re-connecting in {}ms", wait_ms));
    link.retry.expires_after(wait);
    co_await link.retry.async_wait(kUseTuple);
    if (self->stopping_) break;
    delay = std::min(2 * delay, self->options_.max_reconnect_delay);
    if (const auto connected = co_await self->connect(link); !connected && !self->stopping_) {
      self->tell("ERR", link.address,
                 fmt::format("error connecting to nsqd - {}", connected.error().to_string()));
    }
  }
  if (--self->running_ == 0) self->all_ended_.cancel();
}

// Receives until the connection ends, and says why it did.
asio::awaitable<Error> Consumer::consume(Link& link) {
  // Held here: the link lets go of its connection when the conversation is cut off by stop.
  const std::shared_ptr<Connection> connection = link.connection;
  while (true) {
    if (const auto received = co_await connection->receive(); !received) {
      co_return received.error();
    }
    if (const auto taken = take_frames(link); !taken) {
      connection->close();
      co_return taken.error();
    }
  }
}

Result<void> Consumer::take_frames(Link& link) {
  batch_.clear();
  while (true) {
    const auto next = link.connection->next_frame();
    if (!next) return next.error();
    if (!*next) break;
    const protocol::Frame& frame = **next;
    if (frame.is(protocol::FrameType::Message)) {
      const auto received = protocol::parse_message(frame.data);
      if (!received) return Error(ClientErrc::NotNsq, "message frame too short");
      batch_.push_back(message_from(*received, link.number));
    } else if (frame.is(protocol::FrameType::Error)) {
      tell("ERR", link.address, fmt::format("protocol error - {}", frame.data));
    } else {
      on_response(link, frame.data);
    }
  }
  link.in_flight += batch_.size();
  if (!batch_.empty()) on_messages_(batch_);
  end_if_done(link);
  return {};
}

// The only responses a consumer gets: OK to SUB, CLOSE_WAIT to CLS.
void Consumer::on_response(Link& link, std::string_view data) {
  if (data == "CLOSE_WAIT") {
    link.close_wait = true;
  } else {
    link.subscribed = true;
  }
}

void Consumer::disconnected(Link& link, const Error& reason) {
  link.connection.reset();
  if (!stopping_) {
    tell("ERR", link.address, fmt::format("IO error - {}", reason.to_string()));
    share_ready_count();
  }
}

void Consumer::share_ready_count() {
  const auto connected =
      std::count_if(links_.begin(), links_.end(),
                    [](const std::unique_ptr<Link>& link) { return link->connection != nullptr; });
  if (connected == 0 || stopping_) return;
  const std::int64_t least = std::min<std::int64_t>(1, options_.max_in_flight);
  const std::int64_t share = std::max(least, options_.max_in_flight / connected);
  for (const auto& link : links_) {
    if (!link->connection) continue;
    const std::int64_t count = std::min(share, link->connection->max_rdy_count());
    if (count == link->ready_count) continue;
    link->ready_count = count;
    std::string command;
    append_rdy(command, count);
    link->connection->send(command);
  }
}

void Consumer::finish(std::span<const MessageHandle> messages) {
  answer(messages, append_fin);
}

void Consumer::requeue(std::span<const MessageHandle> messages, Duration delay) {
  answer(messages, [delay](std::string& out, std::string_view id) { append_req(out, id, delay); });
}

void Consumer::answer(std::span<const MessageHandle> messages,
                      const std::function<void(std::string& out, std::string_view id)>& append) {
  for (const auto& link : links_) {
    if (!link->connection) continue;
    commands_.clear();
    std::size_t answered = 0;
    for (const MessageHandle& message : messages) {
      if (message.connection != link->number) continue;
      append(commands_, {message.id.data(), message.id.size()});
      ++answered;
    }
    if (answered == 0) continue;
    link->connection->send(commands_);
    link->in_flight -= std::min(answered, link->in_flight);
    end_if_done(*link);
  }
}

void Consumer::end_if_done(Link& link) {
  if (link.close_wait && link.in_flight == 0) link.connection->end_sending();
}

void Consumer::stop() {
  if (std::exchange(stopping_, true)) return;
  for (const auto& link : links_) {
    link->retry.cancel();
    if (!link->connection) continue;
    std::string command;
    append_cls(command);
    link->connection->send(command);
  }
}

asio::awaitable<void> Consumer::stopped(Duration limit) {
  const SelfPtr self = shared_from_this();
  if (running_ > 0) {
    all_ended_.expires_after(limit);
    co_await all_ended_.async_wait(kUseTuple);
  }
  for (const auto& link : links_) {
    if (link->connection) link->connection->close();
  }
}

void Consumer::tell(std::string_view level, const std::string& address,
                    std::string_view text) const {
  log_(fmt::format("{} {:>4} [{}/{}] ({}) {}", level, options_.number, options_.topic,
                   options_.channel, address, text));
}

}  // namespace nsq::client
