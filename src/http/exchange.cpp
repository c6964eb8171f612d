#include "http/exchange.h"

#include <asio/post.hpp>

#include "base/assert.h"

namespace nsq::http {

Responder::~Responder() {
  if (!target_) return;
  // Wherever this happens, the answer belongs to the connection's loop.
  const net::Executor executor = target_->executor();
  asio::post(executor, [target = std::move(target_)] {
    target->response().error(500, "INTERNAL_ERROR");
    target->on_answered();
  });
}

void Responder::send() {
  NSQ_ASSERT(target_);
  const std::shared_ptr<Answerable> target = std::move(target_);
  target->on_answered();
}

}  // namespace nsq::http
