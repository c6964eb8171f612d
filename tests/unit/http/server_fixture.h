#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <asio/post.hpp>
#include <cerrno>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "base/log.h"
#include "http/server.h"
#include "net/event_loops.h"
#include "support/catch.h"

// The far end of a connection to a server, as raw bytes.
class RawClient {
 public:
  explicit RawClient(int descriptor) : descriptor_(descriptor) {
    const timeval patience{.tv_sec = 20, .tv_usec = 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  }
  ~RawClient() { ::close(descriptor_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  // False if the server does not take the bytes.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void end_sending() { ::shutdown(descriptor_, SHUT_WR); }

  // Up to and including `end`, or all there is until the connection ends.
  std::string receive_until(std::string_view end) {
    while (received_.find(end) == std::string::npos && receive_some()) {
    }
    const std::size_t found = received_.find(end);
    const std::size_t size = found == std::string::npos ? received_.size() : found + end.size();
    std::string text = received_.substr(0, size);
    received_.erase(0, size);
    return text;
  }

  // The next response: its head without the Date, and its body.
  std::string response(bool without_body = false) {
    std::string head = receive_until("\r\n\r\n");
    if (const std::size_t date = head.find("Date: "); date != std::string::npos) {
      head.erase(date, head.find("\r\n", date) + 2 - date);
    }
    const std::size_t length = head.find("Content-Length: ");
    if (length == std::string::npos || without_body) return head;
    const std::size_t size = std::stoul(head.substr(length + 16));
    while (received_.size() < size && receive_some()) {
    }
    head += received_.substr(0, size);
    received_.erase(0, size);
    return head;
  }

  std::string everything() { return receive_until(std::string_view("\0never", 6)); }
  bool is_closed() { return received_.empty() && !receive_some() && ended_; }

 private:
  bool receive_some() {
    char bytes[65536];
    const auto size = ::recv(descriptor_, bytes, sizeof bytes, 0);
    if (size == 0 || (size < 0 && errno == ECONNRESET)) ended_ = true;
    if (size <= 0) return false;
    received_.append(bytes, static_cast<std::size_t>(size));
    return true;
  }

  const int descriptor_;
  std::string received_;
  bool ended_ = false;
};

// A server on one loop, with routes that show what reaches a handler.
class ServerFixture {
 public:
  explicit ServerFixture(nsq::http::ServerOptions options = {}) : server(router, options) {
    using nsq::http::Exchange;
    using nsq::http::Method;
    router.add(Method::Get, "/ping",
               [](Exchange& exchange) { exchange.response.plain(200, "OK"); });
    router.add(Method::Post, "/echo",
               [](Exchange& exchange) {
                 if (exchange.request.body_over_limit) {
                   exchange.response.error(413, "TOO_BIG");
                 } else {
                   exchange.response.text(exchange.request.body);
                 }
               },
               {.body_limit = 1000});
    router.add(
        Method::Put, "/say/:word",
        [](Exchange& exchange) { exchange.response.text(exchange.request.path_arguments[0]); },
        {.body_limit = 100'000});
    router.add(Method::Get, "/throw",
               [](Exchange&) { throw std::runtime_error("a handler that fails"); });
    router.add(Method::Get, "/big",
               [](Exchange& exchange) { exchange.response.text(std::string(100'000, 'x')); });
    router.add(Method::Get, "/later", [this](Exchange& exchange) {
      later_.set_value(std::make_shared<nsq::http::Responder>(exchange.answer_later()));
    });
    router.add(Method::Get, "/at-once", [](Exchange& exchange) {
      auto responder = exchange.answer_later();
      responder.response().text("at once");
      responder.send();
    });
    router.add(Method::Get, "/dropped",
               [](Exchange& exchange) { const auto responder = exchange.answer_later(); });
    nsq::log::set_level(nsq::log::Level::Fatal);
    loops.start();
  }
  ~ServerFixture() {
    server.close();
    loops.stop();
    loops.join();
  }

  // Waits for a request of "/later" to reach its handler.
  std::shared_ptr<nsq::http::Responder> pending() {
    auto responder = later_.get_future().get();
    later_ = {};
    return responder;
  }
  // Answers it, from the loop.
  void answer(std::shared_ptr<nsq::http::Responder> responder, std::string text) {
    const auto executor = responder->executor();
    asio::post(executor, [responder = std::move(responder), text = std::move(text)] {
      responder->response().text(text);
      responder->send();
    });
  }

  std::unique_ptr<RawClient> connect() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    asio::post(loops.loop(0), [this, descriptor = ends[0]] {
      nsq::net::Socket socket(loops.loop(0));
      socket.assign(asio::generic::stream_protocol(AF_UNIX, 0), descriptor);
      server.serve(std::move(socket));
    });
    return std::make_unique<RawClient>(ends[1]);
  }

  nsq::http::Router router;
  nsq::http::Server server;
  nsq::net::EventLoops loops{1};

 private:
  std::promise<std::shared_ptr<nsq::http::Responder>> later_;
};
