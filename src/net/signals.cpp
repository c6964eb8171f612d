#include "net/signals.h"

#include <csignal>
#include <cstdlib>
#include <utility>

namespace nsq::net {

class Signals::State : public std::enable_shared_from_this<State> {
 public:
  State(asio::io_context& loop, Callback on_stop, Callback on_hangup, Callback on_drain)
      : signals_(loop, SIGINT, SIGTERM, SIGHUP),
        on_stop_(std::move(on_stop)),
        on_hangup_(std::move(on_hangup)),
        on_drain_(std::move(on_drain)) {}

  void wait() {
    signals_.async_wait([self = shared_from_this()](std::error_code error, int signal) {
      if (error || self->gone_) return;
      self->wait();
      self->on_signal(signal);
    });
  }

  void give_up() {
    gone_ = true;
    std::error_code ignored;  // cancelling what does not wait is no failure
    signals_.cancel(ignored);
  }

 private:
  void on_signal(int signal) {
    if (signal == SIGHUP && on_hangup_) return on_hangup_();
    if (stopping_) std::_Exit(1);
    if (signal == SIGTERM && on_drain_) return std::exchange(on_drain_, nullptr)();
    on_drain_ = nullptr;
    stopping_ = true;
    on_stop_();
  }

  asio::signal_set signals_;
  Callback on_stop_;
  Callback on_hangup_;
  Callback on_drain_;  // null once it was called, or is too late
  bool stopping_ = false;
  bool gone_ = false;
};

Signals::Signals(asio::io_context& loop, Callback on_stop, Callback on_hangup, Callback on_drain)
    : state_(std::make_shared<State>(loop, std::move(on_stop), std::move(on_hangup),
                                     std::move(on_drain))) {
  state_->wait();
}

Signals::~Signals() {
  state_->give_up();
}

void ignore_broken_pipes() {
  std::signal(SIGPIPE, SIG_IGN);
}

}  // namespace nsq::net
