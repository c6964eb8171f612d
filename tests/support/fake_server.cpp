#include "support/fake_server.h"

#include <utility>

#include "net/socket.h"

namespace nsq::test {

FakeServer::FakeServer(asio::io_context& loop, Answer answer)
    : loop_(loop),
      answer_(std::move(answer)),
      server_(router_),
      acceptor_(loop, {asio::ip::address_v4::loopback(), 0}) {
  router_.answer_everything(
      [this](http::Exchange& exchange) {
        std::string question(exchange.request.method_text);
        question.append(" ").append(exchange.request.target);
        {
          const Lock lock(mutex_);
          asked_.push_back(question);
          bodies_.emplace_back(exchange.request.body);
        }
        auto answered = answer_(question);
        if (!answered) return hanging_.push_back(exchange.answer_later());
        exchange.response.status = answered->status;
        exchange.response.content_type = http::kJson;
        exchange.response.body = std::move(answered->body);
      },
      {.body_limit = 1 << 20, .is_logged = false});
  accept();
}

FakeServer::~FakeServer() {
  std::error_code ignored;  // it is gone either way
  acceptor_.close(ignored);
  for (http::Responder& responder : hanging_) responder.send();
  server_.close();
  loop_.restart();
  loop_.poll();
}

std::string FakeServer::address() const {
  return "127.0.0.1:" + std::to_string(port());
}

std::vector<std::string> FakeServer::asked() const {
  const Lock lock(mutex_);
  return asked_;
}
std::vector<std::string> FakeServer::bodies() const {
  const Lock lock(mutex_);
  return bodies_;
}

void FakeServer::accept() {
  acceptor_.async_accept([this](std::error_code error, asio::ip::tcp::socket socket) {
    if (error) return;
    net::Socket accepted(loop_);
    const auto protocol = socket.local_endpoint().protocol();
    accepted.assign(protocol, socket.release());
    server_.serve(std::move(accepted));
    accept();
  });
}

}  // namespace nsq::test
