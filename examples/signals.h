#pragma once

#include <csignal>

// SIGINT and SIGTERM, for programs whose work is done by other threads.
class Signals {
 public:
  // To be made before any other thread, which inherit that the signals are blocked.
  Signals() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGINT);
    sigaddset(&signals_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  }
  void wait() const {
    int signal = 0;
    sigwait(&signals_, &signal);
  }

 private:
  sigset_t signals_;
};
