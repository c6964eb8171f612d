#include "utilities/bench/dial.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <optional>
#include <utility>

#include "client/client_log.h"
#include "client/commands.h"
#include "client/connection.h"
#include "net/address.h"
#include "net/connect.h"
#include "nsq/client_error.h"
#include "protocol/frame_reader.h"

namespace nsq::utilities {
namespace {

constexpr std::size_t kAtOnce = 32;  // handshakes under way
constexpr std::size_t kMaxAnswerBytes = std::size_t{1} << 20;

// What the coroutines that dial have in common.
struct Dialling {
  asio::io_context loop{1};
  std::vector<std::string> addresses;
  client::Connection::Profile profile;  // null: no handshake
  Config config;
  std::vector<std::unique_ptr<Link>> links;
  std::size_t next = 0;  // to be dialled
  std::optional<Error> failure;
};

asio::awaitable<Result<client::Connection::Parts>> dial_one(Dialling& dialling,
                                                            std::string address) {
  if (!dialling.profile) {
    auto socket = co_await net::connect(dialling.loop, net::Address::parse(address),
                                        dialling.config.dial_timeout);
    if (!socket) co_return socket.error();
    co_return client::Connection::Parts{std::move(*socket), {}, {}};
  }
  std::weak_ptr<client::Connection> ignored;  // nobody ends it early
  auto connection =
      co_await client::Connection::open(dialling.loop, address, dialling.profile, ignored);
  if (!connection) co_return connection.error();
  co_return (*connection)->take_apart();
}

std::unique_ptr<Link> make_link(client::Connection::Parts parts, std::string address) {
  std::error_code ignored;  // neither can fail: nothing is under way
  parts.socket.native_non_blocking(true, ignored);
  const int descriptor = parts.socket.release(ignored);
  return std::make_unique<Link>(descriptor, std::move(parts.layers), std::move(parts.undecoded),
                                std::move(address));
}

asio::awaitable<void> dial_some(Dialling& dialling) {
  while (dialling.next < dialling.links.size() && !dialling.failure) {
    const std::size_t index = dialling.next++;
    const std::string& address = dialling.addresses[index % dialling.addresses.size()];
    auto parts = co_await dial_one(dialling, address);
    if (!parts) {
      dialling.failure =
          Error(parts.error().code(), fmt::format("{}: {}", address, parts.error().to_string()));
      co_return;
    }
    dialling.links[index] = make_link(std::move(*parts), address);
  }
}

Result<std::vector<std::unique_ptr<Link>>> dial(Dialling& dialling, std::size_t count) {
  dialling.links.resize(count);
  for (std::size_t i = 0; i < std::min(count, kAtOnce); ++i) {
    asio::co_spawn(dialling.loop, dial_some(dialling), asio::detached);
  }
  dialling.loop.run();
  if (dialling.failure) return *dialling.failure;
  return std::move(dialling.links);
}

Result<void> wait_for_input(const Link& link, Instant deadline) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Instant::now());
    pollfd wanted{link.descriptor(), POLLIN, 0};
    const int timeout_ms = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000));
    if (::poll(&wanted, 1, timeout_ms) > 0) return {};
    if (Instant::now() >= deadline) {
      return link.failure(ClientErrc::Silent, "no answer from the daemon");
    }
  }
}

// The next response that is no heartbeat must be OK.
Result<void> wait_for_ok(Link& link, Instant deadline) {
  protocol::FrameReader frames(kMaxAnswerBytes);
  while (true) {
    switch (frames.read(link.bytes())) {
      case protocol::FrameReader::Outcome::BadSize:
        return link.failure(ClientErrc::NotNsq, "a frame of an impossible size");
      case protocol::FrameReader::Outcome::NeedMore: {
        if (auto waited = wait_for_input(link, deadline); !waited) return waited;
        if (const auto received = link.receive(); !received) return received.error();
        continue;
      }
      case protocol::FrameReader::Outcome::Frame:
        break;
    }
    const protocol::Frame frame = frames.frame();
    const std::string answer(frame.data);
    const bool is_response = frame.is(protocol::FrameType::Response);
    link.take(frame.consumed);
    if (is_response && answer == "OK") return {};
    if (!is_response || answer != protocol::kHeartbeat) {
      return link.failure(ClientErrc::Refused, "the daemon answered " + answer);
    }
  }
}

}  // namespace

Result<std::vector<std::unique_ptr<Link>>> dial_nsq(const std::vector<std::string>& addresses,
                                                    std::size_t count, const Config& config) {
  Logging silent;
  silent.sink = [](LogLevel, std::string_view) {};
  auto profile =
      client::make_profile(config, std::make_shared<const client::ClientLog>(silent, ""));
  if (!profile) return profile.error();
  Dialling dialling;
  dialling.addresses = addresses;
  dialling.profile = std::move(*profile);
  return dial(dialling, count);
}

Result<std::vector<std::unique_ptr<Link>>> dial_http(const std::vector<std::string>& addresses,
                                                     std::size_t count, const Config& config) {
  Dialling dialling;
  dialling.addresses = addresses;
  dialling.config = config;
  return dial(dialling, count);
}

Result<void> subscribe(std::vector<std::unique_ptr<Link>>& links, const std::string& topic,
                       const std::vector<std::string>& channels, std::size_t addresses,
                       const Config& config) {
  for (std::size_t i = 0; i < links.size(); ++i) {
    std::string command;
    client::append_sub(command, topic, channels[i / addresses % channels.size()]);
    if (auto sent = links[i]->send(command); !sent) return sent;
  }
  const Instant deadline = Instant::now() + config.read_timeout;
  for (const auto& link : links) {
    if (auto answered = wait_for_ok(*link, deadline); !answered) return answered;
  }
  return {};
}

}  // namespace nsq::utilities
