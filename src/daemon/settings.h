#pragma once

#include <functional>
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
    if (on_addresses_) on_addresses_(addresses);
    const Lock lock(mutex_);
    nsqlookupd_tcp_addresses_ = std::move(addresses);
  }
  // Told of new addresses, on the thread that sets them. To be called before anybody sets any.
  void on_nsqlookupd_tcp_addresses(std::function<void(std::vector<std::string>)> callback) {
    on_addresses_ = std::move(callback);
  }

 private:
  std::function<void(std::vector<std::string>)> on_addresses_;
  mutable Mutex mutex_;
  std::vector<std::string> nsqlookupd_tcp_addresses_ NSQ_GUARDED_BY(mutex_);
};

}  // namespace nsq::daemon
