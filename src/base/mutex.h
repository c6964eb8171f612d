#pragma once

#include <mutex>

// Clang's thread-safety analysis (-Wthread-safety); other compilers see nothing.
#if defined(__clang__)
#define NSQ_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define NSQ_THREAD_ANNOTATION(x)
#endif
#define NSQ_CAPABILITY(x) NSQ_THREAD_ANNOTATION(capability(x))
#define NSQ_SCOPED_CAPABILITY NSQ_THREAD_ANNOTATION(scoped_lockable)
#define NSQ_GUARDED_BY(x) NSQ_THREAD_ANNOTATION(guarded_by(x))
#define NSQ_REQUIRES(...) NSQ_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define NSQ_EXCLUDES(...) NSQ_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))
#define NSQ_ACQUIRE(...) NSQ_THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define NSQ_TRY_ACQUIRE(...) NSQ_THREAD_ANNOTATION(try_acquire_capability(__VA_ARGS__))
#define NSQ_RELEASE(...) NSQ_THREAD_ANNOTATION(release_capability(__VA_ARGS__))
#define NSQ_NO_ANALYSIS NSQ_THREAD_ANNOTATION(no_thread_safety_analysis)

namespace nsq {

// A std::mutex the analysis can follow. docs/threads.md has the permitted order of locks.
//
// It tries for a microsecond or two before it sleeps: most of what locks guard here takes less, and
// falling asleep and being woken take far more.
class NSQ_CAPABILITY("mutex") Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void lock() NSQ_ACQUIRE() {
    for (int tries = 0; tries < kTries; ++tries) {
      if (mutex_.try_lock()) return;
      relax();
    }
    mutex_.lock();
  }
  // Whether it could be had at once. Requires: not held by this thread.
  bool try_lock() NSQ_TRY_ACQUIRE(true) { return mutex_.try_lock(); }
  void unlock() NSQ_RELEASE() { mutex_.unlock(); }

 private:
  static constexpr int kTries = 40;

  // Tells the processor that it waits for another one.
  static void relax() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }

  std::mutex mutex_;
};

// Holds a Mutex for a scope; may be given up early and taken again.
class NSQ_SCOPED_CAPABILITY Lock {
 public:
  explicit Lock(Mutex& mutex) NSQ_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~Lock() NSQ_RELEASE() {
    if (held_) mutex_.unlock();
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

  void unlock() NSQ_RELEASE() {
    mutex_.unlock();
    held_ = false;
  }
  void lock() NSQ_ACQUIRE() {
    mutex_.lock();
    held_ = true;
  }

 private:
  Mutex& mutex_;
  bool held_ = true;
};

}  // namespace nsq
