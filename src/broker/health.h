#pragma once

#include <string>

#include "base/mutex.h"
#include "nsq/result.h"

namespace nsq::broker {

// Whether messages can be written at present: the outcome of the most recent attempt.
//
// Threading: shared.
class Health {
 public:
  void report(const Result<void>& outcome) {
    Lock lock(mutex_);
    if (outcome) {
      error_.clear();
    } else {
      error_ = outcome.error().to_string();
    }
  }
  bool ok() const {
    Lock lock(mutex_);
    return error_.empty();
  }
  // "OK" or "NOK - " and the reason.
  std::string text() const {
    Lock lock(mutex_);
    return error_.empty() ? "OK" : "NOK - " + error_;
  }

 private:
  mutable Mutex mutex_;
  std::string error_ NSQ_GUARDED_BY(mutex_);
};

}  // namespace nsq::broker
