#pragma once

#include <asio/awaitable.hpp>
#include <asio/basic_waitable_timer.hpp>
#include <asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <string_view>

#include "daemon/authorizer.h"
#include "daemon/options.h"
#include "http/client.h"
#include "net/socket.h"
#include "net/tls_context.h"

namespace nsq::daemon {

// Asks the auth servers over HTTP, for the clients of one loop.
//
// Each question goes to the servers in turn, from a random one on, until one gives an answer that
// can be used. Only so many are asked at a time; others wait, but not longer than a server may
// take, so that servers that do not answer hold up nobody for ever.
//
// Threading: confined to its loop, which ends before it goes.
class AuthClient final : public Authorizer {
 public:
  // `options` outlive the client. Without `tls` servers are not asked by https.
  AuthClient(asio::io_context& loop, const Options& options,
             std::shared_ptr<const net::TlsContext> tls = nullptr);

  void ask(AuthQuestion question, std::shared_ptr<AuthWaiter> waiter) override;

 private:
  using Timer =
      asio::basic_waitable_timer<std::chrono::steady_clock,
                                 asio::wait_traits<std::chrono::steady_clock>, net::Executor>;
  class Turn;

  asio::awaitable<void> serve(AuthQuestion question, std::shared_ptr<AuthWaiter> waiter);
  asio::awaitable<AuthAnswer> ask_in_turn(AuthQuestion question);
  asio::awaitable<bool> wait_for_turn();
  void pass_turn_on();
  asio::awaitable<AuthAnswer> ask_all(AuthQuestion question);
  asio::awaitable<AuthAnswer> ask_one(std::string address, const AuthQuestion& question);

  asio::io_context& loop_;
  const Options& options_;
  const std::shared_ptr<const net::TlsContext> tls_;
  AuthPatterns patterns_;
  std::minstd_rand random_{std::random_device{}()};
  std::size_t under_way_ = 0;
  // Cancelled when it is their turn. What waits belongs to the loop: nothing here keeps it alive.
  std::deque<std::weak_ptr<Timer>> waiting_;
};

// The request that puts a question to a server, whose address is "host:port" or a whole URL.
http::ClientRequest auth_request(std::string_view address, std::string_view method,
                                 const AuthQuestion& question);

// Where to ask again if a server answered 403 since it wants TLS: at the "https_port" it names.
// Empty if that is not what it says.
std::string secure_auth_address(std::string_view url, std::string_view body);

}  // namespace nsq::daemon
