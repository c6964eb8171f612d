#pragma once

// NSQ_ASSERT(condition): an invariant of ours, checked in release builds too. It is for bugs, never
// for input. On failure it says where and what, and aborts.
namespace nsq {
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);
}

#define NSQ_ASSERT(condition)                        \
  (__builtin_expect(static_cast<bool>(condition), 1) \
       ? static_cast<void>(0)                        \
       : ::nsq::assertion_failed(#condition, __FILE__, __LINE__))
