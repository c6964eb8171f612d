#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "client/connection.h"
#include "nsq/result.h"

namespace nsq::client {

// Publishes to one daemon, several commands ahead of its answers.
//
// It connects on the first publish, and again when the connection was lost while nothing was
// unanswered. Losing it with answers outstanding is a failure: whether those messages were taken
// cannot be known, and they are not sent twice.
//
// Threading: confined to its loop. Held by shared_ptr, because its reading coroutine keeps it
// alive.
class Publisher : public std::enable_shared_from_this<Publisher> {
 public:
  Publisher(asio::io_context& loop, std::string address, ConnectionOptions options)
      : loop_(loop), address_(std::move(address)), options_(std::move(options)), changed_(loop) {}

  const std::string& address() const { return address_; }

  // Sends one command with all of `bodies`; waits first while kWindow commands, or more bytes than
  // kMaxUnsentBytes, are on their way. Success means sent: the answer to this command shows in a
  // later call or in `drain`.
  // Requires: `bodies` is not empty, nor is any of them. One call at a time.
  // Errors: those of Connection; Refused with the daemon's own words. From then on every call
  // fails.
  asio::awaitable<Result<void>> publish(std::string_view topic,
                                        std::span<const std::string_view> bodies);

  // Waits until everything published is answered.
  // Errors: as publish.
  asio::awaitable<Result<void>> drain();

  void close();

 private:
  static constexpr std::size_t kWindow = 32;
  static constexpr std::size_t kMaxUnsentBytes = std::size_t{4} << 20;

  asio::awaitable<Result<void>> connect();
  static asio::awaitable<void> read_answers(std::shared_ptr<Publisher> self,
                                            std::shared_ptr<Connection> connection);
  Result<void> take_answers(Connection& connection);
  bool has_room() const;
  asio::awaitable<void> wait_for_change();

  asio::io_context& loop_;
  std::string address_;
  ConnectionOptions options_;
  std::shared_ptr<Connection> connection_;  // null before the first publish and after a loss
  std::size_t unanswered_ = 0;
  std::optional<Error> failure_;
  asio::steady_timer changed_;  // cancelled whenever an answer or a failure has come
};

}  // namespace nsq::client
