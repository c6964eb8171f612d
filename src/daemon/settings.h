#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"

namespace nsq::daemon {

// Those of the daemon's options that can be changed while it runs; the log level, the other one,
// belongs to the log.
//
// Threading: shared.
class Settings {
 public:
  explicit Settings(std::vector<std::string> nsqlookupd_tcp_addresses)
      : nsqlookupd_tcp_addresses_(std::move(nsqlookupd_tcp_addresses)) {}

  std::vector<std::string> nsqlookupd_tcp_addresses() const {
    const Lock lock(mutex_);
    return nsqlookupd_tcp_addresses_;
  }
  void set_nsqlookupd_tcp_addresses(std::vector<std::string> addresses) {
    const Lock lock(mutex_);
    nsqlookupd_tcp_addresses_ = std::move(addresses);
  }

 private:
  mutable Mutex mutex_;
  std::vector<std::string> nsqlookupd_tcp_addresses_ NSQ_GUARDED_BY(mutex_);
};

}  // namespace nsq::daemon
