#include "utilities/printer.h"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <thread>
#include <utility>

namespace nsq::utilities {

struct Printer::State {
  State(int to, Listener who) : descriptor(to), listener(std::move(who)) {}

  const int descriptor;
  const Listener listener;
  Mutex mutex;
  std::condition_variable_any changed;
  std::string queued NSQ_GUARDED_BY(mutex);
  std::size_t queued_texts NSQ_GUARDED_BY(mutex) = 0;
  bool closing NSQ_GUARDED_BY(mutex) = false;
};

namespace {

// 0, or the errno of the write that failed.
int write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

[[noreturn]] void end_by_broken_pipe() {
  std::signal(SIGPIPE, SIG_DFL);  // whoever started us may have it ignored
  std::raise(SIGPIPE);
  std::abort();
}

}  // namespace

Printer::Printer(int descriptor, Listener listener)
    : state_(std::make_shared<State>(descriptor, std::move(listener))) {
  std::thread(run, state_).detach();
}

Printer::~Printer() {
  const Lock lock(state_->mutex);
  state_->closing = true;
  state_->changed.notify_one();
}

void Printer::print(std::string_view text) {
  const Lock lock(state_->mutex);
  state_->queued.append(text);
  ++state_->queued_texts;
  state_->changed.notify_one();
}

void Printer::run(const std::shared_ptr<State>& state) {
  std::string text;
  while (true) {
    std::size_t texts = 0;
    {
      Lock lock(state->mutex);
      while (state->queued_texts == 0 && !state->closing) state->changed.wait(lock);
      if (state->closing) return;
      text.clear();
      text.swap(state->queued);
      texts = std::exchange(state->queued_texts, 0);
    }
    const int error = write_all(state->descriptor, text);
    if (error == EPIPE) end_by_broken_pipe();
    // Told under the lock: once the printer is gone nobody listens.
    const Lock lock(state->mutex);
    if (state->closing) return;
    if (error != 0) return state->listener.on_failed(error);
    state->listener.on_written(texts);
  }
}

}  // namespace nsq::utilities
