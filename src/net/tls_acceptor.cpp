#include "net/tls_acceptor.h"

#include <sys/resource.h>

#include <asio/buffer.hpp>
#include <asio/error.hpp>
#include <asio/post.hpp>
#include <asio/write.hpp>
#include <exception>
#include <utility>

#include "base/log.h"
#include "net/layer_error.h"
#include "net/net_error.h"
#include "net/watchdog.h"

namespace nsq::net {
namespace {

constexpr std::size_t kReadBytes = std::size_t{4} << 10;
// How much less than a loop's a thread of handshakes counts.
constexpr int kNiceness = 5;

}  // namespace

// One handshake, kept alive by its own pending operation. Confined to its socket's loop, but for
// `step`, during which it belongs to a thread of handshakes.
class TlsAcceptor::Handshake : public std::enable_shared_from_this<Handshake> {
 public:
  Handshake(Socket& socket, asio::io_context& thread, std::unique_ptr<TlsLayer> layer,
            std::string received, OnDone on_done)
      : socket_(socket),
        loop_(socket.get_executor()),
        thread_(thread),
        layer_(std::move(layer)),
        received_(std::move(received)),
        on_done_(std::move(on_done)),
        watchdog_(loop_, [this] { give_up(); }) {}

  void start(Duration limit) {
    watchdog_.expect_by(Instant::now() + limit);
    go_on();
  }

 private:
  void give_up() {
    timed_out_ = true;
    std::error_code ignored;  // whoever waits learns of it from the operation
    socket_.cancel(ignored);
  }

  // A first step without input has nothing to do, for a server.
  void go_on() {
    if (received_.empty()) return receive();
    asio::post(thread_, [self = shared_from_this()] {
      self->step();
      asio::post(self->loop_, [self] { self->on_stepped(); });
    });
  }

  void step() {
    try {
      std::string_view wire = received_;
      outcome_ = layer_->handshake(wire);
      received_.erase(0, received_.size() - wire.size());
      layer_->flush(to_send_);
    } catch (const std::exception& error) {  // out of memory, for one
      outcome_ = Error(LayerErrc::HandshakeFailed, error.what());
    }
  }

  void on_stepped() {
    if (to_send_.empty()) return on_sent({});
    asio::async_write(socket_, asio::buffer(to_send_),
                      [self = shared_from_this()](std::error_code error, std::size_t) {
                        self->to_send_.clear();
                        self->on_sent(error);
                      });
  }

  void on_sent(std::error_code error) {
    if (!outcome_) return finish(outcome_.error());
    if (error || timed_out_) return finish(socket_error(error));
    if (*outcome_) return finish({});
    receive();
  }

  void receive() {
    received_.resize(kReadBytes);
    socket_.async_read_some(asio::buffer(received_),
                            [self = shared_from_this()](std::error_code error, std::size_t count) {
                              self->received_.resize(error ? 0 : count);
                              if (error || self->timed_out_)
                                return self->finish(self->socket_error(error));
                              self->go_on();
                            });
  }

  Error socket_error(std::error_code error) const {
    if (timed_out_) return Error(NetErrc::TimedOut, make_error_code(NetErrc::TimedOut).message());
    if (error == asio::error::eof) return Error(LayerErrc::HandshakeFailed, "EOF");
    return Error(system_error(error.value()), system_error(error.value()).message());
  }

  void finish(Result<void> result) {
    watchdog_.rest();
    const bool has_begun = layer_->has_begun();
    if (!result) layer_.reset();
    const OnDone on_done = std::exchange(on_done_, nullptr);
    on_done({std::move(result), std::move(layer_), std::move(received_), has_begun});
  }

  Socket& socket_;
  const Executor loop_;
  asio::io_context& thread_;
  std::unique_ptr<TlsLayer> layer_;
  std::string received_;
  std::string to_send_;
  Result<bool> outcome_ = false;
  OnDone on_done_;
  Watchdog watchdog_;
  bool timed_out_ = false;
};

TlsAcceptor::TlsAcceptor(std::shared_ptr<const TlsContext> context, std::size_t threads)
    : context_(std::move(context)), threads_(threads, "nsq-tls") {
  for (std::size_t i = 0; i < threads; ++i) {
    // On Linux the priority of the calling thread alone.
    asio::post(threads_.loop(i), [] {
      if (::setpriority(PRIO_PROCESS, 0, kNiceness) != 0)
        log::debug("handshakes do not yield to event loops");
    });
  }
  threads_.start();
}

TlsAcceptor::~TlsAcceptor() {
  threads_.stop();
  threads_.join();
}

void TlsAcceptor::replace_context(std::shared_ptr<const TlsContext> context) {
  Lock lock(mutex_);
  context_ = std::move(context);
}

std::shared_ptr<const TlsContext> TlsAcceptor::context() const {
  Lock lock(mutex_);
  return context_;
}

void TlsAcceptor::accept(Socket& socket, std::string received, Duration limit, OnDone on_done) {
  std::make_shared<Handshake>(socket, threads_.next(), TlsContext::accept(context()),
                              std::move(received), std::move(on_done))
      ->start(limit);
}

}  // namespace nsq::net
