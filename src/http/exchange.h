#pragma once

#include <functional>
#include <memory>

#include "http/request.h"
#include "http/response.h"
#include "net/socket.h"

namespace nsq::http {

// The connection as an answer sees it.
class Answerable {
 public:
  virtual ~Answerable() = default;
  virtual const Request& request() const = 0;
  virtual Response& response() = 0;
  virtual net::Executor executor() = 0;
  // The response is filled; called once per request, on the executor.
  virtual void on_answered() = 0;
};

// The duty to answer one request later. Until then the connection waits: later requests on it, and
// the views of this one, stay where they are.
//
// Dropped without an answer, it answers 500 INTERNAL_ERROR. It may outlive the client's connection;
// the answer then goes nowhere.
//
// Threading: confined to `executor`, except that it may be moved and dropped on any thread.
class Responder {
 public:
  explicit Responder(std::shared_ptr<Answerable> target) : target_(std::move(target)) {}
  Responder(Responder&&) = default;
  Responder& operator=(Responder&&) = delete;
  ~Responder();

  const Request& request() const { return target_->request(); }
  Response& response() { return target_->response(); }
  net::Executor executor() const { return target_->executor(); }

  // Sends `response()` as it has been filled. Requires: not sent before.
  void send();

 private:
  std::shared_ptr<Answerable> target_;  // null once sent or moved from
};

// One request and its answer, while the handler runs. A handler either fills `response` before it
// returns, or takes a Responder and returns.
class Exchange {
 public:
  explicit Exchange(std::shared_ptr<Answerable> target)
      : request(target->request()), response(target->response()), target_(std::move(target)) {}

  const Request& request;
  Response& response;

  Responder answer_later() {
    is_deferred_ = true;
    return Responder(target_);
  }
  bool is_deferred() const { return is_deferred_; }
  // The connection's loop, where a later answer is to be given.
  net::Executor executor() const { return target_->executor(); }

 private:
  std::shared_ptr<Answerable> target_;
  bool is_deferred_ = false;
};

// Runs on the connection's loop and must not block. An exception is answered 500 INTERNAL_ERROR.
using Handler = std::function<void(Exchange&)>;

}  // namespace nsq::http
