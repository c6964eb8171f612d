#pragma once

#include "base/log.h"

namespace nsq::test {

// Keeps the process's log off standard error while it lives, where errors are what a test is about.
struct QuietLog {
  QuietLog() { log::set_level(log::Level::Fatal); }
  ~QuietLog() { log::set_level(before_); }
  QuietLog(const QuietLog&) = delete;
  QuietLog& operator=(const QuietLog&) = delete;

 private:
  const log::Level before_ = log::level();
};

}  // namespace nsq::test
