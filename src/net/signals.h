#pragma once

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <functional>
#include <memory>

namespace nsq::net {

// Turns the signals a server answers to into calls on a loop.
//
// The first SIGINT or SIGTERM calls `on_stop`; the second ends the process at once, with status 1,
// for whoever will not wait for an orderly end. SIGHUP calls `on_hangup` each time; without one it
// counts as SIGTERM, so that a closed terminal loses nothing.
//
// A first SIGTERM may also mean to finish what there is to do: it then calls `on_drain`, and only
// the next signal is the first of the above.
//
// Threading: confined; the callbacks run on the loop.
class Signals {
 public:
  using Callback = std::function<void()>;

  Signals(asio::io_context& loop, Callback on_stop, Callback on_hangup = nullptr,
          Callback on_drain = nullptr);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  class State;
  std::shared_ptr<State> state_;  // shared with the pending wait
};

// A reader of our standard error or output that goes away must not take a server with it.
void ignore_broken_pipes();

}  // namespace nsq::net
