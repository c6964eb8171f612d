#include "utilities/bench/worker.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <thread>

namespace nsq::utilities {
namespace {

// Staying awake is for when there is so many times as long to sleep.
constexpr int kMostlyAsleep = 6;
constexpr Duration kLook = std::chrono::milliseconds(20);  // how often it looks whether to stop

timespec as_timespec(Duration time) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
  return {seconds.count(), (time - seconds).count()};
}

}  // namespace

Worker::Worker(Course& course, Duration awake)
    : course_(course), awake_(awake), poll_(::epoll_create1(EPOLL_CLOEXEC)) {}

Worker::~Worker() {
  ::close(poll_);
}

void Worker::run() {
  if (auto result = run_sessions(); !result) {
    failure_ = result.error();
    course_.stop = true;
  }
}

Result<void> Worker::run_sessions() {
  if (auto begun = begin_all(); !begun) return begun;
  while (busy_ > 0 && !course_.stop.load(std::memory_order_relaxed)) {
    if (auto handled = handle_ready(); !handled) return handled;
    if (auto handled = handle_due(); !handled) return handled;
  }
  return {};
}

Result<void> Worker::begin_all() {
  std::this_thread::sleep_until(course_.start.to_steady());
  busy_ = entries_.size();
  for (Entry& entry : entries_) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &entry;
    if (::epoll_ctl(poll_, EPOLL_CTL_ADD, entry.session->link().descriptor(), &event) != 0) {
      return Error(std::error_code(errno, std::system_category()), "watch a connection");
    }
    if (auto begun = entry.session->begin(Instant::now()); !begun) return begun;
    if (entry.session->next_due() != Instant::never()) with_due_.push_back(&entry);
    if (auto looked = look_after(entry); !looked) return looked;
  }
  // Sleeps end when asked and not the usual 50 microseconds later, which would be measured.
  if (!with_due_.empty()) ::prctl(PR_SET_TIMERSLACK, 1UL);
  return {};
}

Instant Worker::next_due() const {
  Instant next = Instant::never();
  for (const Entry* entry : with_due_) next = std::min(next, entry->session->next_due());
  return next;
}

void Worker::add(std::unique_ptr<Session> session) {
  if (!session->is_endless()) to_end_.fetch_add(1, std::memory_order_relaxed);
  entries_.push_back({std::move(session)});
}

// Waits for a connection or for what is due; says for how many milliseconds epoll is to wait then.
// Its own timeout is not precise enough for the latter.
int Worker::wait() {
  if (with_due_.empty()) return static_cast<int>(kLook / std::chrono::milliseconds(1));
  const Instant now = Instant::now();
  if (now < awake_until_) return 0;
  const Instant due = next_due();
  Duration left = std::clamp(due - now, Duration::zero(), kLook);
  if (left > kMostlyAsleep * awake_) {
    left -= awake_;
    awake_for_ = due;
  } else if (due == awake_for_) {
    return 0;
  }
  if (left > Duration::zero()) {
    const timespec timeout = as_timespec(left);
    pollfd wanted{poll_, POLLIN, 0};
    ::ppoll(&wanted, 1, &timeout, nullptr);
  }
  return 0;
}

Result<void> Worker::handle_ready() {
  std::array<epoll_event, 64> events;
  const int timeout_ms = wait();
  const int ready = ::epoll_wait(poll_, events.data(), events.size(), timeout_ms);
  for (int i = 0; i < ready; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    Entry& entry = *static_cast<Entry*>(event.data.ptr);
    if ((event.events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0) {
      if (auto handled = entry.session->on_readable(); !handled) return handled;
    }
    if ((event.events & EPOLLOUT) != 0) {
      if (auto handled = entry.session->on_writable(); !handled) return handled;
    }
    if (auto looked = look_after(entry); !looked) return looked;
  }
  return {};
}

Result<void> Worker::handle_due() {
  if (with_due_.empty()) return {};
  const Instant now = Instant::now();
  for (Entry* entry : with_due_) {
    if (entry->session->next_due() > now) continue;
    if (auto handled = entry->session->on_due(now); !handled) return handled;
    if (auto looked = look_after(*entry); !looked) return looked;
    if (next_due() - now > kMostlyAsleep * awake_) awake_until_ = now + awake_;
  }
  return {};
}

// Asks for what the session waits for, and notices its end.
Result<void> Worker::look_after(Entry& entry) {
  const bool wants_to_write = entry.session->wants_to_write();
  if (wants_to_write != entry.watches_writing) {
    epoll_event event{};
    event.events = wants_to_write ? EPOLLIN | EPOLLOUT : EPOLLIN;
    event.data.ptr = &entry;
    if (::epoll_ctl(poll_, EPOLL_CTL_MOD, entry.session->link().descriptor(), &event) != 0) {
      return Error(std::error_code(errno, std::system_category()), "watch a connection");
    }
    entry.watches_writing = wants_to_write;
  }
  if (entry.is_done || !entry.session->is_done()) return {};
  entry.is_done = true;
  --busy_;
  to_end_.fetch_sub(1, std::memory_order_relaxed);
  return {};
}

}  // namespace nsq::utilities
