#pragma once

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "http/router.h"
#include "http/server.h"

namespace nsq::test {

struct FakeAnswer {
  int status = 200;
  std::string body;
};

// A server on a port of the system's choice whose answers a test makes up; it remembers what it was
// asked.
//
// Threading: confined to its loop, which ends after it, unless said otherwise.
class FakeServer {
 public:
  // Given "GET /stats?format=json" it gives the answer; nothing, and the question is left hanging.
  using Answer = std::function<std::optional<FakeAnswer>(const std::string& asked)>;

  FakeServer(asio::io_context& loop, Answer answer);
  ~FakeServer();
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  std::string address() const;  // "127.0.0.1:4151"
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  // On any thread.
  std::vector<std::string> asked() const;
  std::vector<std::string> bodies() const;  // that came with them

 private:
  void accept();

  asio::io_context& loop_;
  Answer answer_;
  http::Router router_;
  http::Server server_;
  mutable Mutex mutex_;
  std::vector<std::string> asked_ NSQ_GUARDED_BY(mutex_);
  std::vector<std::string> bodies_ NSQ_GUARDED_BY(mutex_);
  std::vector<http::Responder> hanging_;
  asio::ip::tcp::acceptor acceptor_;
};

template <typename T>
asio::awaitable<void> store(asio::awaitable<T> work, std::optional<T>& result) {
  result.emplace(co_await std::move(work));
}

// Runs a coroutine on the loop until it is done.
template <typename T>
T run_on(asio::io_context& loop, asio::awaitable<T> work) {
  std::optional<T> result;
  std::exception_ptr failure;
  bool is_done = false;
  asio::co_spawn(loop, store(std::move(work), result), [&](std::exception_ptr failed) {
    failure = failed;
    is_done = true;
  });
  loop.restart();
  while (!is_done && loop.run_one() > 0) {
  }
  if (failure) std::rethrow_exception(failure);
  return std::move(*result);
}

}  // namespace nsq::test
