#include "http/connection.h"

#include <asio/error.hpp>
#include <exception>
#include <utility>

#include "base/assert.h"
#include "base/duration_text.h"
#include "base/log.h"

namespace nsq::http {
namespace {

constexpr std::size_t kKeptOutputBytes = 64 << 10;

}  // namespace

Connection::Connection(std::unique_ptr<Transport> transport, const Router& router,
                       const ServerOptions& options, std::function<void(Connection&)> on_gone)
    : transport_(std::move(transport)),
      router_(router),
      options_(options),
      on_gone_(std::move(on_gone)),
      watchdog_(transport_->executor(), [this] { close(); }),
      parser_(options.parser),
      remote_(transport_->remote_text()) {
  parser_.request().remote = remote_;
}

Connection::~Connection() {
  on_gone_(*this);
}

void Connection::start() {
  read();
}

void Connection::close() {
  if (state_ == State::Closed) return;
  state_ = State::Closed;
  watchdog_.rest();
  transport_->close();
}

void Connection::read() {
  watchdog_.expect_by(read_deadline());
  transport_->read(shared_from_this(), parser_.room());
}

// How long the client may take over the next bytes. A head has one deadline for all of it, so that
// it cannot be stretched byte by byte.
Instant Connection::read_deadline() {
  const Instant now = Instant::now();
  if (parser_.is_in_body()) return now + options_.body_timeout;
  if (parser_.is_between_requests()) {
    head_deadline_ = Instant::never();
    return now + options_.idle_timeout;
  }
  if (head_deadline_ == Instant::never()) head_deadline_ = now + options_.head_timeout;
  return head_deadline_;
}

void Connection::on_read(std::error_code error, std::size_t bytes) {
  if (state_ == State::Closed) return;
  if (error) return close();
  if (state_ == State::Lingering) return transport_->read(shared_from_this(), parser_.room());
  parser_.received(bytes);
  run();
}

// Answers what there is to answer and writes it, until something has to be waited for: a handler,
// the transport or the client. Whatever was waited for calls it again.
void Connection::run() {
  for (;;) {
    const bool needs_input = handle_requests();
    if (state_ == State::Closed) return;
    if (!flush()) return;
    if (state_ == State::Answering) return watchdog_.rest();
    if (is_ending_) return linger();
    if (needs_input) return read();
  }
}

// Answers requests until the input is used up, which it returns, or else a request is waited for,
// was the last, or there is enough to write.
bool Connection::handle_requests() {
  while (state_ == State::Open && !is_ending_ && output_.size() < options_.output_bytes) {
    const RequestParser::Event event = parser_.advance();
    if (event == RequestParser::Event::NeedInput) return true;
    handle_event(event);
  }
  return false;
}

void Connection::handle_event(RequestParser::Event event) {
  switch (event) {
    case RequestParser::Event::NeedInput:
      return;
    case RequestParser::Event::Head:
      return on_head();
    case RequestParser::Event::BodyTooLong:
      is_unread_ = true;
      return handle();
    case RequestParser::Event::Complete:
      return handle();
    case RequestParser::Event::BadHead:
      return refuse();
    case RequestParser::Event::BadBody:
      is_unread_ = true;
      response_.error(500, "INTERNAL_ERROR");
      return finish_answer();
  }
}

// Says how much body is wanted. A body that is too long is not waited for if the client asks before
// it sends, or if there is more of it than is worth reading away.
void Connection::on_head() {
  Request& request = parser_.request();
  route_ = router_.find(request.method, request.path, request.path_arguments);
  began_ = Instant();
  const std::size_t limit = route_ ? route_->options.body_limit : 0;
  parser_.limit_body(limit);
  const std::uint64_t declared = parser_.declared_length().value_or(0);
  const bool is_too_long = declared > limit || (!route_ && parser_.has_body());
  if (is_too_long &&
      (parser_.expects_continue() || declared > limit + options_.parser.drained_bytes)) {
    request.body_over_limit = true;
    is_unread_ = true;
    handle();
  } else if (parser_.expects_continue() && parser_.has_body()) {
    output_ += "HTTP/1.1 100 Continue\r\n\r\n";
  }
}

void Connection::handle() {
  const bool is_logged = !route_ || route_->options.is_logged;
  if (is_logged && log::enabled(log::Level::Debug)) began_ = Instant::now();
  response_.clear();
  if (!route_) {
    router_.answer_unrouted(parser_.request(), response_);
    return finish_answer();
  }
  // The arguments point into the path, which has moved if the buffer grew for the body.
  Request& request = parser_.request();
  if (!request.path_arguments.empty()) {
    router_.find(request.method, request.path, request.path_arguments);
  }
  Exchange exchange(shared_from_this());
  state_ = State::Answering;
  in_handler_ = true;
  try {
    route_->handler(exchange);
  } catch (const std::exception& failure) {
    log::error("{} {} failed - {}", request.method_text, request.target, failure.what());
    response_.error(500, "INTERNAL_ERROR");
    if (exchange.is_deferred()) response_.close = true;
  }
  in_handler_ = false;
  if (!exchange.is_deferred()) finish_answer();
}

void Connection::on_answered() {
  if (state_ == State::Closed) return;
  finish_answer();
  // An answer from inside the handler is picked up by the loop that called it; while a write is
  // pending, by what follows the write.
  if (!in_handler_ && !is_write_pending_) run();
}

void Connection::finish_answer() {
  state_ = State::Open;
  const Request& request = parser_.request();
  is_ending_ = is_unread_ || response_.close || !parser_.keep_alive();
  append_response(response_,
                  {.minor_version = parser_.minor_version(),
                   .without_body = request.method == Method::Head,
                   .keep_alive = !is_ending_},
                  output_);
  if (began_ != Instant()) {
    log::debug("{} {} {} ({}) {}", response_.status, request.method_text, request.target, remote_,
               duration_text(Instant::now() - began_));
  }
}

// What is no request gets an answer anyway, in plain text, and the connection ends.
void Connection::refuse() {
  response_.plain(parser_.refusal().status, parser_.refusal().text);
  is_ending_ = is_unread_ = true;
  append_response(response_, {.keep_alive = false}, output_);
}

// Writes the answers. False if that must be waited for.
bool Connection::flush() {
  for (;;) {
    if (written_ == writing_.size()) {
      writing_.clear();
      written_ = 0;
      if (output_.empty()) break;
      writing_.swap(output_);
    }
    const std::size_t bytes =
        transport_->write(shared_from_this(), std::string_view(writing_).substr(written_));
    if (bytes == 0) {
      is_write_pending_ = true;
      watchdog_.expect_by(Instant::now() + options_.write_timeout);
      return false;
    }
    written_ += bytes;
  }
  if (writing_.capacity() > kKeptOutputBytes) std::string().swap(writing_);
  return true;
}

void Connection::on_written(std::error_code error, std::size_t bytes) {
  is_write_pending_ = false;
  if (state_ == State::Closed) return;
  if (error) return close();
  written_ += bytes;
  if (flush()) run();
}

// Ends the connection after its last answer. Closing while bytes of the client are unread would
// make the kernel take the answer back, so those are read away for a while.
void Connection::linger() {
  if (!is_unread_) return close();
  state_ = State::Lingering;
  transport_->end_sending();
  watchdog_.expect_by(Instant::now() + options_.linger_timeout);
  transport_->read(shared_from_this(), parser_.room());
}

}  // namespace nsq::http
