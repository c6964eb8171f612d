#pragma once

#include <array>
#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/instant.h"
#include "client/connection.h"
#include "nsq/result.h"

namespace nsq::client {

// Which delivery an answer is for.
struct MessageHandle {
  std::uint64_t connection = 0;
  std::array<char, protocol::kMessageIdBytes> id{};
};

// One delivery. The views are valid during the handler's call.
struct Message {
  std::string_view body;
  Timestamp timestamp;
  std::uint16_t attempts = 0;
  MessageHandle handle;
};

struct ConsumerOptions {
  int number = 1;  // tells consumers of one process apart in log lines
  std::string topic;
  std::string channel;
  std::vector<std::string> addresses;  // of daemons, host:port
  std::int64_t max_in_flight = 1;      // shared out among the connections, each getting
                                       // at least 1; 0 takes nothing
  Duration first_reconnect_delay = std::chrono::seconds(1);  // doubled by every failure
  Duration max_reconnect_delay = std::chrono::seconds(60);
  ConnectionOptions connection;
};

// One topic and channel on any number of daemons. Lost connections are opened again for as long as
// the consumer is not stopped.
//
// Threading: confined to its loop. Held by shared_ptr, because its connections' coroutines keep it
// alive until it has stopped.
class Consumer : public std::enable_shared_from_this<Consumer> {
 public:
  // Gets every message of one read at a time; each is to be answered once, then or later.
  using Handler = std::function<void(std::span<const Message>)>;
  // Gets one line per event worth telling a user.
  using Log = std::function<void(std::string_view)>;

  Consumer(asio::io_context& loop, ConsumerOptions options, Handler on_messages, Log log);

  const ConsumerOptions& options() const { return options_; }

  // Connects to every daemon and subscribes. A daemon that cannot be reached now is an error; one
  // that goes away later is not.
  asio::awaitable<Result<void>> start();

  // Answers. Those for a connection that is gone are dropped: the daemon offers the message again.
  void finish(std::span<const MessageHandle> messages);
  void requeue(std::span<const MessageHandle> messages, Duration delay);

  // Asks for no more messages. Those already on their way still reach the handler.
  void stop();
  // Waits until everything received is answered and the daemons have taken the answers, then
  // closes. What is unanswered after `limit` is left to the daemons. Requires: `stop` was called.
  asio::awaitable<void> stopped(Duration limit);

 private:
  // One daemon.
  struct Link {
    std::string address;
    std::uint64_t number = 0;                // of the present connection; never used again
    std::shared_ptr<Connection> connection;  // null while there is none
    std::int64_t ready_count = -1;           // last sent
    std::size_t in_flight = 0;
    bool close_wait = false;   // the daemon delivers nothing more
    bool subscribed = false;   // the daemon said so
    asio::steady_timer retry;  // until the next attempt to connect

    Link(asio::io_context& loop, std::string to) : address(std::move(to)), retry(loop) {}
  };
  using SelfPtr = std::shared_ptr<Consumer>;

  static asio::awaitable<void> keep_connected(SelfPtr self, Link& link);
  asio::awaitable<Result<void>> connect(Link& link);
  asio::awaitable<Error> consume(Link& link);
  Result<void> take_frames(Link& link);
  void on_response(Link& link, std::string_view data);
  void disconnected(Link& link, const Error& reason);
  void share_ready_count();
  void answer(std::span<const MessageHandle> messages,
              const std::function<void(std::string& out, std::string_view id)>& append);
  void end_if_done(Link& link);
  void tell(std::string_view level, const std::string& address, std::string_view text) const;

  asio::io_context& loop_;
  ConsumerOptions options_;
  Handler on_messages_;
  Log log_;
  std::vector<std::unique_ptr<Link>> links_;
  std::uint64_t last_number_ = 0;
  std::size_t running_ = 0;       // keep_connected coroutines
  std::vector<Message> batch_;    // reused from read to read
  std::string commands_;          // likewise
  asio::steady_timer all_ended_;  // waited for by `stopped`, cancelled when the last coroutine ends
  bool stopping_ = false;
};

}  // namespace nsq::client
