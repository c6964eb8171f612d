#pragma once

#include <functional>
#include <memory>
#include <string>

#include "http/exchange.h"
#include "http/options.h"
#include "http/request_parser.h"
#include "http/router.h"
#include "http/transport.h"
#include "net/watchdog.h"

namespace nsq::http {

// One client's connection to a server: reads, answers every complete request it has, writes all of
// the answers at once, reads again.
//
// It does one of these at a time, so that a client that does not read its answers is not read from
// either, and what a connection holds is bounded by one request and one batch of answers. Answers
// leave in the order of their requests; a handler that answers later holds up those behind it.
//
// Threading: confined to its transport's executor.
class Connection final : public TransportOwner,
                         public Answerable,
                         public std::enable_shared_from_this<Connection> {
 public:
  // The router and the options outlive the connection.
  Connection(std::unique_ptr<Transport> transport, const Router& router,
             const ServerOptions& options, std::function<void(Connection&)> on_gone);
  ~Connection() override;

  void start();
  // Ends it without another word.
  void close();

  net::Executor executor() override { return transport_->executor(); }

 private:
  enum class State {
    Open,       // reading, handling or writing
    Answering,  // a handler has the current request
    Lingering,  // the last answer is out
    Closed,
  };

  void on_read(std::error_code error, std::size_t bytes) override;
  void on_written(std::error_code error, std::size_t bytes) override;
  const Request& request() const override { return parser_.request(); }
  Response& response() override { return response_; }
  void on_answered() override;

  void run();
  bool handle_requests();
  void handle_event(RequestParser::Event event);
  void on_head();
  void handle();
  void finish_answer();
  void refuse();
  bool flush();
  void read();
  void linger();
  Instant read_deadline();

  const std::unique_ptr<Transport> transport_;
  const Router& router_;
  const ServerOptions& options_;
  const std::function<void(Connection&)> on_gone_;
  net::Watchdog watchdog_;

  RequestParser parser_;
  State state_ = State::Open;
  const Route* route_ = nullptr;  // of the current request; null for the router's own answers
  Response response_;
  Instant began_;  // when the current request was handed to its handler
  Instant head_deadline_ = Instant::never();
  bool in_handler_ = false;
  bool is_unread_ = false;  // some of the current request's body is still to come
  bool is_ending_ = false;  // no request after the current one

  std::string output_;   // answers not yet handed to the transport
  std::string writing_;  // those that are, from `written_` on; stays put while a write is pending
  std::size_t written_ = 0;
  bool is_write_pending_ = false;
  const std::string remote_;
};

}  // namespace nsq::http
